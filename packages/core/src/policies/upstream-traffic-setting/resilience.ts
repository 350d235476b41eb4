import { parseDuration, type UpstreamTrafficSettingSpec } from '@osm/api';
import type { Affinity, FaultPlan, InboundService, Timeouts, Upstream } from '../../plan/types.ts';

type Spec = UpstreamTrafficSettingSpec;
type Route = NonNullable<Spec['httpRoutes']>[number];

/** How clients treat the endpoints of a service. */
export type EndpointCare = Pick<Upstream, 'outlierDetection' | 'balancing' | 'preferSameZone'>;

/** Whole milliseconds; something that is more than nothing stays so. Negative durations count as none. */
function milliseconds(text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseDuration(text);
  if (ms === undefined || ms < 0) return undefined;
  return ms === 0 ? 0 : Math.max(1, Math.round(ms));
}

function outliersOf(written: NonNullable<Spec['outlierDetection']>): NonNullable<Upstream['outlierDetection']> {
  const baseEjectionMs = milliseconds(written.baseEjectionTime) ?? 30_000;
  return {
    consecutive5xx: written.consecutive5xx ?? 5,
    consecutiveGatewayErrors: written.consecutiveGatewayErrors ?? 0,
    intervalMs: milliseconds(written.interval) ?? 10_000,
    baseEjectionMs,
    // The longest time cannot be shorter than the first.
    maxEjectionMs: Math.max(baseEjectionMs, milliseconds(written.maxEjectionTime) ?? 300_000),
    maxEjectionPercent: written.maxEjectionPercent ?? 50,
  };
}

function balancingOf({ affinity, slowStart }: NonNullable<Spec['loadBalancing']>): Upstream['balancing'] {
  if (affinity !== undefined) return { mode: affinity.algorithm === 'RingHash' ? 'ring-hash' : 'maglev' };
  if (slowStart === undefined) return undefined;
  const windowMs = milliseconds(slowStart.window) ?? 1;
  return { mode: 'slow-start', windowMs, minWeightPercent: slowStart.minWeightPercent ?? 10 };
}

/** What is done for the endpoints of a service. */
export function endpointCareOf({ outlierDetection, loadBalancing }: Spec): EndpointCare {
  const balancing = loadBalancing && balancingOf(loadBalancing);
  return {
    ...(outlierDetection && { outlierDetection: outliersOf(outlierDetection) }),
    ...(balancing && { balancing }),
    ...(loadBalancing?.locality === 'PreferSameZone' && { preferSameZone: true }),
  };
}

/** What calls to a service have in common that go to one endpoint. */
export function affinityOf({ loadBalancing }: Spec): Affinity | undefined {
  const { header, cookie, sourceAddress } = loadBalancing?.affinity ?? {};
  if (header !== undefined) return { by: 'header', name: header.name.toLowerCase() };
  if (cookie !== undefined) {
    return { by: 'cookie', name: cookie.name, ttlMs: milliseconds(cookie.ttl) ?? 0, path: cookie.path ?? '/' };
  }
  return sourceAddress && { by: 'source-address' };
}

/** Timeouts of calls to a service, or to one path of it; undefined when there are none. */
export function timeoutsOf({ timeouts }: Pick<Route, 'timeouts'>): Timeouts | undefined {
  const requestMs = milliseconds(timeouts?.request);
  const idleMs = milliseconds(timeouts?.idle);
  if (requestMs === undefined && idleMs === undefined) return undefined;
  return { ...(requestMs !== undefined && { requestMs }), ...(idleMs !== undefined && { idleMs }) };
}

function faultOf({ fault }: Pick<Route, 'fault'>): FaultPlan | undefined {
  const { delay, abort } = fault ?? {};
  if (delay === undefined && abort === undefined) return undefined;
  return {
    ...(delay && { delay: { ms: milliseconds(delay.duration) ?? 1, percent: delay.percent ?? 100 } }),
    ...(abort && { abort: { status: abort.status, percent: abort.percent ?? 100 } }),
  };
}

/** The failures that a service's workloads make on purpose. */
export function faultsOf(spec: Spec): Pick<InboundService, 'fault' | 'routeFaults'> {
  const fault = faultOf(spec);
  const routeFaults = (spec.httpRoutes ?? []).flatMap((route) => {
    // An empty fault of a path lifts the host's.
    const own = route.fault && (faultOf(route) ?? {});
    return own === undefined ? [] : [{ path: route.path, fault: own }];
  });
  return { ...(fault && { fault }), ...(routeFaults.length > 0 && { routeFaults }) };
}
