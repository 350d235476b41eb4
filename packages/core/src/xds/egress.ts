import type { FilterChainJson, Resource } from '@osm/envoy';
import type { EgressPort, ProxySettings } from '../plan/types.ts';
import { egressChains, inspectedPorts } from './chain-egress.ts';
import { egressClusters } from './cluster-egress.ts';
import type { InspectedPorts } from './listener-outbound.ts';
import { rememberList } from './remember.ts';
import { egressRoutes } from './routes-egress.ts';

/** What becomes of the egress policies of a proxy. */
export interface Egress {
  readonly chains: readonly FilterChainJson[];
  readonly routes: readonly Resource[];
  readonly clusters: readonly Resource[];
  readonly inspected: InspectedPorts;
}

/** What is known of a resource's siblings is kept as long as the resource is. */
const siblings = new WeakMap<Resource, Egress>();

/** Policies of one port act on one another, so all of them are the part that this is made from. */
export const egress = rememberList(
  (policies: readonly EgressPort[], passthrough: boolean, tracing: ProxySettings['tracing']): Egress => {
    const inspected = inspectedPorts(policies, passthrough);
    const byPort = new Map<number, EgressPort[]>();
    for (const policy of policies) byPort.set(policy.port, [...(byPort.get(policy.port) ?? []), policy]);
    const ports = [...byPort].sort(([a], [b]) => a - b);
    const result: Egress = {
      chains: ports.flatMap(([port, onPort]) => egressChains(port, onPort, inspected, tracing)),
      routes: ports
        .filter(([, onPort]) => onPort.some(({ protocol }) => protocol === 'http'))
        .map(([port, onPort]) => egressRoutes(port, onPort)),
      clusters: ports.flatMap(([port, onPort]) => egressClusters(port, onPort)),
      inspected,
    };
    for (const resource of [...result.routes, ...result.clusters]) siblings.set(resource, result);
    return result;
  },
);
