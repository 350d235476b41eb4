import { type Matcher, matcher } from '../model/regex.ts';
import type { HttpMatch } from '../plan/types.ts';

/** A request as matchers see it. */
export interface Request {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly host: string;
  /** Names in lower case; none of them steers proxies. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly path: Matcher;
  readonly headers: readonly { readonly name: string; readonly regex: string; readonly test: Matcher }[];
}

const compiled = new WeakMap<HttpMatch, Compiled>();

function compile(match: HttpMatch): Compiled {
  const known = compiled.get(match);
  if (known !== undefined) return known;
  const made: Compiled = {
    path: matcher(match.path),
    headers: match.headers.map(({ name, regex }) => ({ name, regex, test: matcher(regex) })),
  };
  compiled.set(match, made);
  return made;
}

const headerOf = (request: Request, name: string): string | undefined =>
  name === ':authority' ? request.host : Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;

/** Whether a request matches. A header that is absent matches no pattern, not even `.*` (Envoy's HeaderMatcher). */
export function matches(match: HttpMatch, request: Request): boolean {
  if (match.methods !== undefined && !match.methods.includes(request.method)) return false;
  const { path, headers } = compile(match);
  if (!path(request.path)) return false;
  for (const { name, test } of headers) {
    const value = headerOf(request, name);
    if (value === undefined || !test(value)) return false;
  }
  return true;
}

/** What of a match does not hold for a request, in words; nothing when it matches. */
export function* mismatches(match: HttpMatch, request: Request): Generator<string> {
  const { method } = request;
  if (match.methods !== undefined && !match.methods.includes(method)) {
    yield `method ${method} is not ${match.methods.join(' or ')}`;
  }
  const { path, headers } = compile(match);
  if (!path(request.path)) yield `path ${request.path} does not match ${match.path}`;
  for (const { name, regex, test } of headers) {
    const value = headerOf(request, name);
    if (value === undefined) yield `header ${name} is absent, and must match ${regex}`;
    else if (!test(value)) yield `header ${name}: ${value} does not match ${regex}`;
  }
}
