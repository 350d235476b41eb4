import { parseDuration, type UpstreamTrafficSettingSpec } from '@osm/api';
import { serviceKey, serviceNamed } from '../../model/names.ts';
import type { MeshService, Policies, Policy, PolicyFault } from '../../model/snapshot.ts';
import type {
  Affinity,
  ConnectionLimits,
  HttpRateLimit,
  InboundService,
  Timeouts,
  TokenBucket,
} from '../../plan/types.ts';
import { globalLimitsOf, type InboundGlobalLimits } from './global-rate-limit.ts';
import { affinityOf, type EndpointCare, endpointCareOf, faultsOf, timeoutsOf } from './resilience.ts';

/** Limits that a service's workloads put on what comes in, and failures that they make on purpose. */
export type InboundLimits = InboundGlobalLimits &
  Pick<InboundService, 'tcpRateLimit' | 'httpRateLimit' | 'routeRateLimits' | 'fault' | 'routeFaults'>;

/** How clients' calls to a service are treated on their way. */
export interface CallSettings {
  readonly timeouts?: Timeouts;
  /** Timeouts of single paths, whole: they stand in place of the service's. */
  readonly routeTimeouts: readonly { readonly path: string; readonly timeouts: Timeouts }[];
  readonly affinity?: Affinity;
}

/** What an UpstreamTrafficSetting says about its service. */
export interface ServiceLimits {
  /** For clients. */
  readonly connections?: ConnectionLimits;
  readonly care: EndpointCare;
  readonly calls: CallSettings;
  /** For servers. */
  readonly inbound: InboundLimits;
}

/** UpstreamTrafficSettings by service (`<namespace>/<name>`). */
export interface LimitTable {
  readonly services: ReadonlyMap<string, ServiceLimits>;
  /** Some service is called in the caller's zone first. */
  readonly preferSameZone: boolean;
  readonly faults: readonly PolicyFault[];
}

/** What was set for a service; a pod of a headless one has what the whole has, unless it has its own. */
export const limitsOf = ({ service, parent }: MeshService, { services }: LimitTable): ServiceLimits | undefined =>
  services.get(serviceKey(service)) ?? services.get(serviceKey(parent));

type Spec = UpstreamTrafficSettingSpec;
type LocalLimits = NonNullable<NonNullable<Spec['rateLimit']>['local']>;

const SECONDS = Object.freeze({ second: 1, minute: 60, hour: 3600 });

/** Limits on connections; undefined when the policy sets none. */
export function connectionLimitsOf({ connectionSettings }: Spec): ConnectionLimits | undefined {
  const { tcp, http } = connectionSettings ?? {};
  const timeout = tcp?.connectTimeout === undefined ? undefined : parseDuration(tcp.connectTimeout);
  const limits: ConnectionLimits = {
    ...(tcp?.maxConnections !== undefined && { maxConnections: tcp.maxConnections }),
    // Envoy refuses a timeout of nothing.
    ...(timeout !== undefined && timeout > 0 && { connectTimeoutMs: Math.max(1, Math.round(timeout)) }),
    ...(http?.maxRequests !== undefined && { maxRequests: http.maxRequests }),
    ...(http?.maxRequestsPerConnection !== undefined && { maxRequestsPerConnection: http.maxRequestsPerConnection }),
    ...(http?.maxPendingRequests !== undefined && { maxPendingRequests: http.maxPendingRequests }),
    ...(http?.maxRetries !== undefined && { maxRetries: http.maxRetries }),
  };
  return Object.keys(limits).length > 0 ? limits : undefined;
}

/** A bucket of one unit's tokens and the burst on top, refilled once a unit (OSM 1.2). */
function bucketOf(count: number, burst: number | undefined, unit: keyof typeof SECONDS): TokenBucket {
  const maxTokens = Math.min(count + (burst ?? 0), 4_294_967_295);
  return { maxTokens, tokensPerFill: count, fillIntervalSeconds: SECONDS[unit] };
}

const httpLimitOf = (limit: NonNullable<LocalLimits['http']>): HttpRateLimit => ({
  ...bucketOf(limit.requests, limit.burst, limit.unit),
  status: limit.responseStatusCode ?? 429,
  headersToAdd: limit.responseHeadersToAdd ?? [],
});

function callSettingsOf(spec: Spec): CallSettings {
  const timeouts = timeoutsOf(spec);
  const affinity = affinityOf(spec);
  const routeTimeouts = (spec.httpRoutes ?? []).flatMap(({ path, timeouts: own }) => {
    const ofPath = timeoutsOf({ timeouts: own });
    return ofPath === undefined ? [] : [{ path, timeouts: { ...timeouts, ...ofPath } }];
  });
  return { ...(timeouts && { timeouts }), routeTimeouts, ...(affinity && { affinity }) };
}

function inboundLimitsOf(spec: Spec): InboundLimits {
  const { rateLimit, httpRoutes = [] } = spec;
  const { tcp, http } = rateLimit?.local ?? {};
  const routes = httpRoutes.flatMap(({ path, rateLimit: own }) =>
    own?.local === undefined ? [] : [{ path, limit: httpLimitOf(own.local) }],
  );
  return {
    ...(tcp && { tcpRateLimit: bucketOf(tcp.connections, tcp.burst, tcp.unit) }),
    ...(http && { httpRateLimit: httpLimitOf(http) }),
    ...(routes.length > 0 && { routeRateLimits: routes }),
    ...globalLimitsOf(spec),
    ...faultsOf(spec),
  };
}

/** Whether a host is a name of a service, rather than of the world outside. */
const isServiceHost = (host: string): boolean => /^[^.]+\.[^.]+\.svc(\.|$)/.test(host.toLowerCase());

function serviceOf({ object, spec }: Policy<Spec>): string | PolicyFault | undefined {
  const service = serviceNamed(spec.host, object.namespace);
  if (service === undefined || !spec.host.includes('.')) return undefined;
  if (service.namespace === object.namespace) return serviceKey(service);
  // `a.b` may be a service or a host that an Egress names; only the long form can be nothing but a service.
  if (!isServiceHost(spec.host)) return undefined;
  const message = `is of namespace ${service.namespace}, and the UpstreamTrafficSetting of ${object.namespace}`;
  return { object, field: 'spec.host', message };
}

/** Folds UpstreamTrafficSettings by service; of two for one service the first by name holds. */
export function foldLimits(settings: Policies['upstreamTrafficSettings']): LimitTable {
  const services = new Map<string, ServiceLimits>();
  const faults: PolicyFault[] = [];
  for (const setting of settings.values()) {
    const service = serviceOf(setting);
    if (service === undefined) continue;
    if (typeof service !== 'string') faults.push(service);
    else if (services.has(service)) {
      const message = `another UpstreamTrafficSetting is for ${service} already`;
      faults.push({ object: setting.object, field: 'spec.host', message });
    } else {
      const connections = connectionLimitsOf(setting.spec);
      services.set(service, {
        ...(connections && { connections }),
        care: endpointCareOf(setting.spec),
        calls: callSettingsOf(setting.spec),
        inbound: inboundLimitsOf(setting.spec),
      });
    }
  }
  const preferSameZone = [...services.values()].some(({ care }) => care.preferSameZone);
  return { services, preferSameZone, faults };
}
