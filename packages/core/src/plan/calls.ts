import { isHttp } from '../model/protocol.ts';
import type { MeshService, Snapshot } from '../model/snapshot.ts';
import {
  type CallSettings,
  type LimitTable,
  limitsOf,
} from '../policies/upstream-traffic-setting/upstream-traffic-setting.ts';
import type { Affinity, OutboundRoute } from './types.ts';

/** How calls are treated on their way, by {@link MeshService.upstream}; ports that nothing was said of are absent. */
export type CallTable = ReadonlyMap<string, CallSettings>;

const saysSomething = ({ timeouts, routeTimeouts, affinity }: CallSettings): boolean =>
  timeouts !== undefined || routeTimeouts.length > 0 || affinity !== undefined;

/** Settings for calls to the ports of services. */
export function callTable(services: Snapshot['services'], limits: LimitTable): CallTable {
  const table = new Map<string, CallSettings>();
  if (limits.services.size === 0) return table;
  for (const ports of services.values()) {
    for (const port of ports) {
      const calls = limitsOf(port, limits)?.calls;
      if (calls !== undefined && saysSomething(calls) && !table.has(port.upstream)) table.set(port.upstream, calls);
    }
  }
  return table;
}

/** Connections have neither headers nor cookies. */
const suits = (affinity: Affinity, port: MeshService): boolean =>
  isHttp(port.protocol) || affinity.by === 'source-address';

/** The affinity of the first destination that has one, as a route has one only. */
function affinityOf({ destinations }: OutboundRoute, port: MeshService, table: CallTable): Affinity | undefined {
  for (const { upstream } of destinations) {
    const affinity = table.get(upstream)?.affinity;
    if (affinity !== undefined && suits(affinity, port)) return affinity;
  }
  return undefined;
}

/**
 * Routes of a port with what was set for calls: timeouts of the service that is called, and affinity of those that its
 * calls go to. A path with timeouts of its own becomes a route of its own in front of each route that tells no paths
 * apart; a route that does has those of the very same path, or else the service's.
 */
export function routesWith(
  routes: readonly OutboundRoute[],
  port: MeshService,
  table: CallTable,
): readonly OutboundRoute[] {
  const { timeouts, routeTimeouts = [] } = table.get(port.upstream) ?? {};
  const byPath = isHttp(port.protocol) ? new Map(routeTimeouts.map((each) => [each.path, each.timeouts])) : new Map();
  return routes.flatMap((plain): readonly OutboundRoute[] => {
    const affinity = affinityOf(plain, port, table);
    const route: OutboundRoute = { ...plain, ...(affinity && { affinity }) };
    const path = route.match?.path ?? '.*';
    const own = byPath.get(path) ?? timeouts;
    const whole = own === undefined ? route : { ...route, timeouts: own };
    if (path !== '.*') return [whole];
    const parts = [...byPath].filter(([each]) => each !== '.*');
    return [
      ...parts.map(([each, ofPath]): OutboundRoute => {
        return { ...route, match: { headers: [], ...route.match, path: each }, timeouts: ofPath };
      }),
      whole,
    ];
  });
}
