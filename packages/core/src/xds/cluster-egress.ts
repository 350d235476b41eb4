import { any, type Resource } from '@osm/envoy';
import type { ConnectionLimits, EgressPort, EgressTls } from '../plan/types.ts';
import { byName } from './cluster-named.ts';
import { originalDestinationCluster } from './cluster-original-destination.ts';
import { connectionLimits } from './connection-limits.ts';
import { isWildcard, namesOf, tlsOf } from './egress-port.ts';
import { egressHostCluster, egressPortCluster, NAME } from './names.ts';
import { clientProtocolOptions } from './protocol-options.ts';
import { clusterResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';
import { outsideTls } from './tls-outside.ts';

/** Names that are looked up as requests come; one cache for filter and cluster. */
const DNS_CACHE = Object.freeze({
  name: NAME.forwardProxyCluster,
  dnsLookupFamily: 'V4_PREFERRED',
  maxHosts: 1024,
} as const);

/** Looks the host of a request up, for requests that go to {@link FORWARD_PROXY_CLUSTER}. */
export const FORWARD_PROXY_FILTER = any('envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig', {
  dnsCacheConfig: DNS_CACHE,
});

/** Dials the host that a request names, rather than the address that the client made of it. */
const FORWARD_PROXY_CLUSTER = clusterResource({
  name: NAME.forwardProxyCluster,
  lbPolicy: 'CLUSTER_PROVIDED',
  clusterType: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typedConfig: any('envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig', {
      dnsCacheConfig: DNS_CACHE,
    }),
  },
  ...connectionLimits(undefined),
  upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
});

function hostCluster(
  host: string,
  port: number,
  limits: ConnectionLimits | undefined,
  tls: EgressTls | undefined,
): Resource {
  const name = egressHostCluster(host, port, tls !== undefined);
  const maxRequestsPerConnection = limits?.maxRequestsPerConnection;
  return clusterResource({
    name,
    altStatName: name.replaceAll(/[.:|]/g, '_'),
    ...byName(name, host, tls?.port ?? port, 'every'),
    ...connectionLimits(limits),
    upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
    typedExtensionProtocolOptions: clientProtocolOptions({
      remote: true,
      ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
    }),
    ...(tls && { transportSocket: outsideTls(tls, host) }),
  });
}

/** The clusters that the chains and routes of a port lead to. The first policy with limits for one decides on them. */
export function egressClusters(port: number, policies: readonly EgressPort[]): readonly Resource[] {
  const limitsOf = (concerned: readonly EgressPort[]): ConnectionLimits | undefined =>
    concerned.find(({ limits }) => limits !== undefined)?.limits;
  const http = policies.filter(({ protocol }) => protocol === 'http');
  const asDialled = policies.filter(({ protocol, hosts }) => protocol !== 'http' || hosts.length === 0);
  const hosts = [...new Set(http.flatMap(namesOf))];
  const named = hosts.filter((host) => !isWildcard(host));
  return [
    ...named.map((host) => {
      const concerned = http.filter((egress) => namesOf(egress).includes(host));
      return hostCluster(host, port, limitsOf(concerned), tlsOf(host, concerned));
    }),
    ...(named.length < hosts.length ? [FORWARD_PROXY_CLUSTER] : []),
    ...(asDialled.length > 0 ? [originalDestinationCluster(egressPortCluster(port), limitsOf(asDialled))] : []),
  ];
}
