import type { Resource } from '@osm/envoy';
import type { ConnectionLimits } from '../plan/types.ts';
import { connectionLimits } from './connection-limits.ts';
import { NAME } from './names.ts';
import { clientProtocolOptions } from './protocol-options.ts';
import { clusterResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';

/** A cluster that dials the address that the client dialled. */
export function originalDestinationCluster(name: string, limits?: ConnectionLimits): Resource {
  const maxRequestsPerConnection = limits?.maxRequestsPerConnection;
  return clusterResource({
    name,
    type: 'ORIGINAL_DST',
    lbPolicy: 'CLUSTER_PROVIDED',
    ...connectionLimits(limits),
    upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
    typedExtensionProtocolOptions: clientProtocolOptions({
      remote: true,
      ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
    }),
  });
}

/** Where everything goes that the mesh has no say in. */
export const PASSTHROUGH_CLUSTER = originalDestinationCluster(NAME.passthroughCluster);
