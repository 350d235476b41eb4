import { any, type ClusterJson, type Resource } from '@osm/envoy';
import type { ExternalAuthorization, ProxySettings } from '../plan/types.ts';
import { connectionLimits } from './connection-limits.ts';
import { NAME } from './names.ts';
import { HTTP2 } from './protocol-options.ts';
import { remember } from './remember.ts';
import { clusterResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';

/**
 * How a cluster finds what is behind a name (or an address): `every` answer of DNS is an endpoint, or new connections
 * go to the `current` one. A name that cannot be resolved is asked for again soon.
 */
export function byName(
  name: string,
  host: string,
  port: number,
  answers: 'every' | 'current',
): Pick<ClusterJson, 'clusterType' | 'loadAssignment'> {
  return {
    clusterType: {
      name: 'envoy.clusters.dns',
      typedConfig: any('envoy.extensions.clusters.dns.v3.DnsCluster', {
        dnsLookupFamily: 'V4_PREFERRED',
        respectDnsTtl: true,
        dnsFailureRefreshRate: { baseInterval: '0.500s', maxInterval: '10s' },
        allAddressesInSingleEndpoint: answers === 'current',
      }),
    },
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: host, portValue: port } } } }] }],
    },
  };
}

/** Where spans are sent. */
export const tracingCluster = remember(
  ({ address, port }: NonNullable<ProxySettings['tracing']>): Resource =>
    clusterResource({
      name: NAME.tracingCluster,
      ...byName(NAME.tracingCluster, address, port, 'current'),
      ...connectionLimits(undefined),
      upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
    }),
);

/** The authorization service. Where it is not known there is nobody to ask. */
export const authorizationCluster = remember(
  ({ at, http }: ExternalAuthorization): Resource =>
    clusterResource({
      name: NAME.authorizationCluster,
      ...(at === undefined
        ? { type: 'STATIC' as const, loadAssignment: { clusterName: NAME.authorizationCluster } }
        : byName(NAME.authorizationCluster, at.address, at.port, 'current')),
      ...connectionLimits(undefined),
      upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
      ...(http === undefined && {
        typedExtensionProtocolOptions: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            { explicitHttpConfig: { http2ProtocolOptions: HTTP2 } },
          ),
        },
      }),
    }),
);
