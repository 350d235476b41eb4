import type { FilterChainJson } from '@osm/envoy';
import { addressRanges } from './address.ts';
import { NAME } from './names.ts';
import { closeConnections, tcpProxyTo } from './tcp-proxy.ts';

/** Takes what no other chain does, and passes it on to where it was going. */
export const PASSTHROUGH: FilterChainJson = Object.freeze({
  name: NAME.passthroughChain,
  filters: [tcpProxyTo(`egress-tcp-proxy.${NAME.passthroughCluster}`, NAME.passthroughCluster)],
});

const addressesOn = (chains: readonly FilterChainJson[], port: number | undefined): ReadonlySet<string> =>
  new Set(
    chains
      .filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === port)
      .flatMap(({ filterChainMatch }) => filterChainMatch?.prefixRanges ?? [])
      .map((range) => `${range.addressPrefix}/${range.prefixLen}`),
  );

/**
 * Chains that close connections to services of the mesh which the given chains do not take: passing them on would make a call
 * in plaintext that policies do not allow. One chain for each port that has chains, and one for all others, as Envoy does not
 * look further once a port is known to it.
 */
export function refusedChains(
  chains: readonly FilterChainJson[],
  meshAddresses: readonly string[],
): readonly FilterChainJson[] {
  const ports = new Set(chains.map(({ filterChainMatch }) => filterChainMatch?.destinationPort));
  return [...ports.add(undefined)].flatMap((port) => {
    const taken = addressesOn(chains, port);
    const prefixRanges = addressRanges(meshAddresses).filter(
      ({ addressPrefix, prefixLen }) => !taken.has(`${addressPrefix}/${prefixLen}`),
    );
    if (prefixRanges.length === 0) return [];
    return {
      name: `${NAME.refusedChain}.${port ?? 'other'}`,
      filterChainMatch: { ...(port === undefined ? {} : { destinationPort: port }), prefixRanges },
      filters: [closeConnections],
    };
  });
}
