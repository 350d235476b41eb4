import { type AccessLogJson, any, type NetworkFilterJson, type TcpProxyJson } from '@osm/envoy';
import type { OutboundRoute } from '../plan/types.ts';
import { ACCESS_LOG, MESH_TCP_LOG } from './access-log.ts';
import { milliseconds } from './duration.ts';

/**
 * Connections that carry nothing for long are in order (pools of database connections); peers that are gone are found
 * by TCP keep-alives.
 */
const NEVER_IDLE = '0s';

/** Endpoints that a connection is tried at, so that one that just went away is no failure. */
const CONNECT_ATTEMPTS = 3;

function tcpProxy(json: TcpProxyJson): NetworkFilterJson {
  return {
    name: 'tcp_proxy',
    typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      idleTimeout: NEVER_IDLE,
      accessLog: ACCESS_LOG,
      ...json,
    }),
  };
}

/** Passes connections on to one cluster. */
export const tcpProxyTo = (
  statPrefix: string,
  cluster: string,
  accessLog: readonly AccessLogJson[] = ACCESS_LOG,
): NetworkFilterJson => tcpProxy({ statPrefix, cluster, accessLog });

/**
 * Passes connections from the mesh on to the application. It is dialled once the client has proven who it is: an
 * application that speaks first has nothing to say to strangers.
 */
export const tcpProxyToApplication = (statPrefix: string, cluster: string): NetworkFilterJson =>
  tcpProxy({
    statPrefix,
    cluster,
    upstreamConnectMode: 'ON_DOWNSTREAM_TLS_HANDSHAKE',
    maxEarlyDataBytes: 65_536,
    accessLog: MESH_TCP_LOG,
  });

/** Closes connections at once. */
export const closeConnections: NetworkFilterJson = Object.freeze({
  name: 'close',
  typedConfig: any('envoy.extensions.filters.network.direct_response.v3.Config', {}),
});

/** Spreads connections over the destinations of a route by weight; closes them when there is none. */
export function tcpProxyToDestinations(
  statPrefix: string,
  route: Pick<OutboundRoute, 'destinations' | 'timeouts' | 'affinity'>,
): NetworkFilterJson {
  const { destinations, timeouts, affinity } = route;
  const options = {
    maxConnectAttempts: CONNECT_ATTEMPTS,
    ...(timeouts?.idleMs === undefined ? {} : { idleTimeout: milliseconds(timeouts.idleMs) }),
    ...(affinity?.by === 'source-address' ? { hashPolicy: [{ sourceIp: {} }] } : {}),
  };
  // Envoy refuses weights of 0.
  const [first, ...others] = destinations.filter(({ weight }) => weight > 0);
  if (first === undefined) return closeConnections;
  if (others.length === 0) return tcpProxy({ statPrefix, cluster: first.upstream, ...options });
  const clusters = [first, ...others].map(({ upstream, weight }) => ({ name: upstream, weight }));
  return tcpProxy({ statPrefix, weightedClusters: { clusters }, ...options });
}
