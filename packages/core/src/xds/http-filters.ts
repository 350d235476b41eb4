import { type AnyOf, any, type HttpFilterJson } from '@osm/envoy';
import { NO_FAULT } from './fault.ts';
import { HTTP_RATE_LIMIT_INERT } from './rate-limit.ts';
import { RBAC_UNRULED } from './rbac-http.ts';

/**
 * The HTTP filters of every chain, in the one order in which they run:
 *
 * 1. RBAC: who may not call costs nothing further, no token and no question to another service.
 * 2. Local rate limit: before the authorization service, which it protects too.
 * 3. Global rate limit: what is beyond the local limit is not asked about.
 * 4. External authorization: the last to refuse a request, on what the mesh itself would let pass.
 * 5. Faults made on purpose: of requests that the service would have got.
 * 6. Forward proxy: looks up the host of a request only once it is sure to be sent.
 * 7. Router: sends it; it must be the last.
 */
export const FILTER_ORDER = Object.freeze([
  'envoy.filters.http.rbac',
  'envoy.filters.http.local_ratelimit',
  'envoy.filters.http.ratelimit',
  'envoy.filters.http.ext_authz',
  'envoy.filters.http.fault',
  'envoy.filters.http.dynamic_forward_proxy',
  'envoy.filters.http.router',
] as const);

type FilterName = (typeof FILTER_ORDER)[number];

/** What a chain wants of the filters; the router is in all of them. */
export interface HttpFilterChoice {
  /** Judged by the rules of the virtual host; without such rules it lets everything pass. */
  readonly rbac?: boolean;
  /** Limited as virtual host and routes say. */
  readonly rateLimit?: boolean;
  readonly globalRateLimit?: AnyOf<'envoy.extensions.filters.http.ratelimit.v3.RateLimit'> | undefined;
  /** Faults are made as virtual host and routes say. */
  readonly fault?: boolean;
  readonly externalAuthorization?: AnyOf<'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz'> | undefined;
  readonly forwardProxy?: AnyOf<'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig'> | undefined;
}

const ROUTER = any('envoy.extensions.filters.http.router.v3.Router', {});

/** The filters of a chain, in {@link FILTER_ORDER}. */
export function httpFilters(choice: HttpFilterChoice): readonly HttpFilterJson[] {
  const configured: Record<FilterName, HttpFilterJson['typedConfig'] | undefined> = {
    'envoy.filters.http.rbac': choice.rbac === true ? RBAC_UNRULED : undefined,
    'envoy.filters.http.local_ratelimit': choice.rateLimit === true ? HTTP_RATE_LIMIT_INERT : undefined,
    'envoy.filters.http.ratelimit': choice.globalRateLimit,
    'envoy.filters.http.ext_authz': choice.externalAuthorization,
    'envoy.filters.http.fault': choice.fault === true ? NO_FAULT : undefined,
    'envoy.filters.http.dynamic_forward_proxy': choice.forwardProxy,
    'envoy.filters.http.router': ROUTER,
  };
  return FILTER_ORDER.flatMap((name): HttpFilterJson[] => {
    const typedConfig = configured[name];
    return typedConfig === undefined ? [] : [{ name, typedConfig }];
  });
}
