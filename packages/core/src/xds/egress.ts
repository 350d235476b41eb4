import type { FilterChainJson, Resource } from '@osm/envoy';
import type { EgressPort, ProxySettings } from '../plan/types.ts';
import { egressChains, inspectedPorts } from './chain-egress.ts';
import { egressClusters } from './cluster-egress.ts';
import type { InspectedPorts } from './listener-outbound.ts';
import { remember, rememberList } from './remember.ts';
import { egressRoutes } from './routes-egress.ts';

/** What becomes of the egress policies of a proxy. */
export interface Egress {
  readonly chains: readonly FilterChainJson[];
  readonly routes: readonly Resource[];
  readonly clusters: readonly Resource[];
  readonly inspected: InspectedPorts;
}

const listOf = rememberList((policies: readonly EgressPort[]) => policies);

const build = remember(
  (policies: readonly EgressPort[], passthrough: boolean, tracing: ProxySettings['tracing']): Egress => {
    const inspected = inspectedPorts(policies, passthrough);
    const byPort = new Map<number, EgressPort[]>();
    for (const policy of policies) byPort.set(policy.port, [...(byPort.get(policy.port) ?? []), policy]);
    const ports = [...byPort].sort(([a], [b]) => a - b);
    return {
      chains: ports.flatMap(([port, onPort]) => egressChains(port, onPort, inspected, tracing)),
      routes: ports
        .filter(([, onPort]) => onPort.some(({ protocol }) => protocol === 'http'))
        .map(([port, onPort]) => egressRoutes(port, onPort)),
      clusters: ports.flatMap(([port, onPort]) => egressClusters(port, onPort)),
      inspected,
    };
  },
);

/** Policies of one port act on one another, so all of them are the part that this is made from. */
export const egress = (
  policies: readonly EgressPort[],
  passthrough: boolean,
  tracing: ProxySettings['tracing'],
): Egress => build(listOf(policies), passthrough, tracing);
