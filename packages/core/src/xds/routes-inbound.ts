import type { Resource, RouteJson } from '@osm/envoy';
import type { FaultPlan, HttpDescriptors, HttpMatch, HttpRateLimit, InboundService } from '../plan/types.ts';
import { httpFault } from './fault.ts';
import { rateLimitActions } from './global-rate-limit.ts';
import { ANY_PATH, matchKey, routeMatch } from './http-match.ts';
import { fullName, inboundRoutesName, localClusterName, plaintextRoutesName } from './names.ts';
import { httpRateLimit } from './rate-limit.ts';
import { accessRbac, type HttpRbac } from './rbac-http.ts';
import { remember } from './remember.ts';
import { routeResource } from './resource.ts';
import { NO_TIMEOUT } from './routes-outbound.ts';

const FAULT = 'envoy.filters.http.fault';
const RATE_LIMIT = 'envoy.filters.http.local_ratelimit';
const RBAC = 'envoy.filters.http.rbac';

/**
 * The requests that have a route: those of some rule, in force or audited, each kind once. Where everything is let in,
 * paths with settings of their own come before the rest.
 */
function matches({ access, audit, ...inbound }: InboundService): readonly HttpMatch[] {
  const all: readonly HttpMatch[] =
    access.mode === 'rules'
      ? [...access.http, ...(audit?.http ?? [])].map((rule) => rule.match)
      : [...pathsOf(inbound).filter((path) => path !== ANY_PATH), ANY_PATH].map((path) => ({
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

/** Paths that something is set for, in the order in which they were written for each of these. */
const pathsOf = (of: Pick<InboundService, 'routeRateLimits' | 'routeDescriptors' | 'routeFaults'>): readonly string[] =>
  [...(of.routeRateLimits ?? []), ...(of.routeDescriptors ?? []), ...(of.routeFaults ?? [])].map(({ path }) => path);

/** What is set for a path, or for all of a service. */
interface PathSettings {
  readonly limit: HttpRateLimit | undefined;
  readonly fault: FaultPlan | undefined;
}

function filterConfig({ limit, fault }: PathSettings): NonNullable<RouteJson['typedPerFilterConfig']> {
  return {
    ...(limit === undefined ? {} : { [RATE_LIMIT]: httpRateLimit(limit) }),
    ...(fault === undefined ? {} : { [FAULT]: httpFault(fault) }),
  };
}

function route(
  match: HttpMatch,
  cluster: string,
  settings: PathSettings,
  descriptors: HttpDescriptors | undefined,
): RouteJson {
  const typedPerFilterConfig = filterConfig(settings);
  return {
    match: routeMatch(match),
    route: {
      cluster,
      timeout: NO_TIMEOUT,
      // A connection to the application that ended before the request was written is no failure of the request.
      retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 },
      ...(descriptors && { rateLimits: rateLimitActions(descriptors) }),
    },
    ...(Object.keys(typedPerFilterConfig).length > 0 && { typedPerFilterConfig }),
  };
}

function routesTo(inbound: InboundService, name: string, host: string, rbac: HttpRbac | undefined): Resource {
  const { service, targetPort, httpRateLimit: limit, fault, globalHttpRateLimit } = inbound;
  const cluster = localClusterName(service, targetPort);
  const limits = new Map(inbound.routeRateLimits?.map((each) => [each.path, each.limit]));
  const faults = new Map(inbound.routeFaults?.map((each) => [each.path, each.fault]));
  const descriptors = new Map(inbound.routeDescriptors?.map((each) => [each.path, each.descriptors]));
  const routeOf = (match: HttpMatch): RouteJson => {
    const settings = { limit: limits.get(match.path), fault: faults.get(match.path) };
    return route(match, cluster, settings, descriptors.get(match.path));
  };
  return routeResource({
    name,
    validateClusters: false,
    virtualHosts: [
      {
        name: `${host}|${fullName(service)}`,
        domains: ['*'],
        routes: matches(inbound).map(routeOf),
        ...(globalHttpRateLimit && { rateLimits: rateLimitActions(globalHttpRateLimit.descriptors) }),
        typedPerFilterConfig: {
          ...(rbac === undefined ? {} : { [RBAC]: rbac }),
          ...filterConfig({ limit, fault }),
        },
      },
    ],
  });
}

/**
 * The requests that a port of a service takes from the mesh: 404 for what no rule is about, 403 for what a rule lets
 * others do. Rules stand here rather than in the chain, so their changes close no connection.
 */
export const inboundRoutes = remember(
  (inbound: InboundService, trustDomain: string): Resource =>
    routesTo(
      inbound,
      inboundRoutesName(inbound),
      'inbound_virtual-host',
      accessRbac(inbound.access, inbound.audit, trustDomain),
    ),
);

/** The requests that a port takes in plaintext, while clients get sidecars: all, as nobody can tell who sends them. */
export const plaintextRoutes = remember((inbound: InboundService): Resource => {
  const anybody: InboundService = { ...inbound, access: { mode: 'any' } };
  return routesTo(anybody, plaintextRoutesName(inbound), 'plaintext_virtual-host', undefined);
});
