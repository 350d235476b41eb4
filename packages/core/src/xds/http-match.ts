import type { HeaderMatcherJson, RbacPermissionJson, RouteMatchJson } from '@osm/envoy';
import type { HttpMatch } from '../plan/types.ts';

/** The regular expression that every path matches; the wildcard of SMI. */
export const ANY_PATH = '.*';

/** Whether a matcher makes a difference between paths. */
export const restrictsPath = (match: HttpMatch): boolean => match.path !== ANY_PATH;

/** Two matchers with the same key let the same requests pass. */
export const matchKey = (match: HttpMatch): string =>
  JSON.stringify([match.path, match.methods ?? null, match.headers.map(({ name, regex }) => [name, regex])]);

/** A regular expression as Envoy takes it, which refuses one of no characters. */
const safeRegex = (regex: string): { readonly regex: string } => ({ regex: regex === '' ? '()' : regex });

function headerMatchers(match: HttpMatch): HeaderMatcherJson[] {
  const [method, ...others] = match.methods ?? [];
  const methods: HeaderMatcherJson[] =
    method === undefined
      ? []
      : [
          {
            name: ':method',
            stringMatch:
              others.length === 0 ? { exact: method } : { safeRegex: { regex: [method, ...others].join('|') } },
          },
        ];
  const headers = match.headers.map(({ name, regex }) => ({ name, stringMatch: { safeRegex: safeRegex(regex) } }));
  return [...methods, ...headers];
}

/** A matcher as a route's condition. Undefined matches every request. */
export function routeMatch(match: HttpMatch | undefined): RouteMatchJson {
  if (match === undefined) return { prefix: '' };
  const headers = headerMatchers(match);
  const path = restrictsPath(match) ? { safeRegex: { regex: match.path } } : { prefix: '' };
  return headers.length === 0 ? path : { ...path, headers };
}

/**
 * A matcher as an RBAC permission. It holds for exactly the requests that {@link routeMatch} matches: both read the
 * path without its query, and a header that is not there matches nothing.
 */
export function permission(match: HttpMatch): RbacPermissionJson {
  const path: RbacPermissionJson[] = restrictsPath(match)
    ? [{ urlPath: { path: { safeRegex: { regex: match.path } } } }]
    : [];
  const rules = [...path, ...headerMatchers(match).map((header) => ({ header }))];
  if (rules.length === 0) return { any: true };
  return rules.length === 1 ? rules[0]! : { andRules: { rules } };
}
