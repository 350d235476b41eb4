import type { FilterChainJson } from '@osm/envoy';
import type { OutboundService, ProxySettings } from '../plan/types.ts';
import { addressRange } from './address.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { outboundChainName, outboundRoutesName } from './names.ts';
import { remember } from './remember.ts';
import { tcpProxyToDestinations } from './tcp-proxy.ts';

/**
 * The outbound chain of a port of a service, chosen by the address and port that the client dialled; the same for
 * every proxy that may call the service. Undefined when the service has no address: a chain without one would take
 * every address.
 */
export const outboundChain = remember(
  (outbound: OutboundService, tracing: ProxySettings['tracing']): FilterChainJson | undefined => {
    const { port, protocol, routes } = outbound;
    const prefixRanges = outbound.addresses.flatMap((address) => addressRange(address) ?? []);
    if (prefixRanges.length === 0) return undefined;
    const name = outboundChainName(outbound);
    const http = protocol === 'http' || protocol === 'grpc';
    // A connection has nothing to match by, so what matches everything applies.
    const forConnections = routes.find(({ match }) => match === undefined) ?? routes.at(-1);
    return {
      name,
      filterChainMatch: { destinationPort: port, prefixRanges },
      filters: [
        http
          ? httpConnectionManager({
              routes: outboundRoutesName(outbound),
              filters: {},
              tracing,
              // What a path lets through is decided where the call arrives.
              pathsMatter: false,
              anyClient: true,
            })
          : tcpProxyToDestinations(`outbound-mesh-tcp-proxy_${name}`, forConnections ?? { destinations: [] }),
      ],
    };
  },
);
