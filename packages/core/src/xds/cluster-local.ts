import type { Resource } from '@osm/envoy';
import type { ServiceRef } from '../plan/types.ts';
import { connectionLimits } from './connection-limits.ts';
import { localClusterName } from './names.ts';
import { clientProtocolOptions } from './protocol-options.ts';
import { remember } from './remember.ts';
import { clusterResource } from './resource.ts';

/**
 * Shorter than applications keep idle connections open (Node.js: 5 s): a request must not meet a connection that is
 * just being closed. A new connection within the pod costs next to nothing.
 */
const IDLE_TIMEOUT = '4s';

/**
 * The application in the proxy's own pod. It is dialled at the loopback address; where applications listen on the
 * pod's address only, the pod's redirection rules translate.
 */
export const localCluster = remember((service: ServiceRef, targetPort: number): Resource => {
  const name = localClusterName(service, targetPort);
  return clusterResource({
    name,
    type: 'STATIC',
    ...connectionLimits(undefined),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: targetPort } } } }],
        },
      ],
    },
    // Without effect on TCP, and so right for every chain that leads here.
    typedExtensionProtocolOptions: clientProtocolOptions({ idleTimeout: IDLE_TIMEOUT, remote: false }),
  });
});
