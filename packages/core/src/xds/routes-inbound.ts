import type { Resource, RouteJson } from '@osm/envoy';
import type { HttpMatch, HttpRateLimit, InboundService } from '../plan/types.ts';
import { ANY_PATH, matchKey, routeMatch } from './http-match.ts';
import { fullName, inboundRoutesName, localClusterName } from './names.ts';
import { httpRateLimit } from './rate-limit.ts';
import { rulesRbac } from './rbac-http.ts';
import { remember } from './remember.ts';
import { routeResource } from './resource.ts';
import { NO_TIMEOUT } from './routes-outbound.ts';

const RATE_LIMIT = 'envoy.filters.http.local_ratelimit';
const RBAC = 'envoy.filters.http.rbac';

/**
 * The requests that have a route: those of some rule, each kind once. Where everything is let in, paths with a limit
 * of their own come before the rest.
 */
function matches({ access, routeRateLimits = [] }: InboundService): readonly HttpMatch[] {
  const all: readonly HttpMatch[] =
    access.mode === 'rules'
      ? access.http.map((rule) => rule.match)
      : [...routeRateLimits.map(({ path }) => path).filter((path) => path !== ANY_PATH), ANY_PATH].map((path) => ({
          path,
          headers: [],
        }));
  const byKey = new Map<string, HttpMatch>();
  for (const match of all) {
    const key = matchKey(match);
    if (!byKey.has(key)) byKey.set(key, match);
  }
  return [...byKey.values()];
}

function route(match: HttpMatch, cluster: string, limit: HttpRateLimit | undefined): RouteJson {
  return {
    match: routeMatch(match),
    route: {
      cluster,
      timeout: NO_TIMEOUT,
      // A connection to the application that ended before the request was written is no failure of the request.
      retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 },
    },
    ...(limit === undefined ? {} : { typedPerFilterConfig: { [RATE_LIMIT]: httpRateLimit(limit) } }),
  };
}

/**
 * The requests that a port of a service takes from the mesh: 404 for what no rule is about, 403 for what a rule lets
 * others do. Rules stand here rather than in the chain, so their changes close no connection.
 */
export const inboundRoutes = remember((inbound: InboundService, trustDomain: string): Resource => {
  const { service, targetPort, access, httpRateLimit: limit, routeRateLimits = [] } = inbound;
  const cluster = localClusterName(service, targetPort);
  const limits = new Map(routeRateLimits.map(({ path, limit: ofPath }) => [path, ofPath]));
  return routeResource({
    name: inboundRoutesName(inbound),
    validateClusters: false,
    virtualHosts: [
      {
        name: `inbound_virtual-host|${fullName(service)}`,
        domains: ['*'],
        routes: matches(inbound).map((match) => route(match, cluster, limits.get(match.path))),
        typedPerFilterConfig: {
          ...(access.mode === 'rules' ? { [RBAC]: rulesRbac(access.http, trustDomain) } : {}),
          ...(limit === undefined ? {} : { [RATE_LIMIT]: httpRateLimit(limit) }),
        },
      },
    ],
  });
});
