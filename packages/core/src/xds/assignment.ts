import type { LbEndpointJson, Resource } from '@osm/envoy';
import type { Assignment, Endpoint } from '../plan/types.ts';
import { remember } from './remember.ts';
import { assignmentResource } from './resource.ts';

const lbEndpoint = ({ address, port, health }: Endpoint): LbEndpointJson => ({
  endpoint: { address: { socketAddress: { address, portValue: port } } },
  // A draining endpoint gets no new requests or connections, and keeps those that it has.
  ...(health === 'draining' ? { healthStatus: 'DRAINING' } : {}),
});

/** The endpoints of an upstream. One for all proxies that may use the same ones: nothing of the caller is in it but its zone,
 * where that decides. The others' endpoints then come after those, of which each takes up to 1.4 times its share.
 */
export const loadAssignment = remember((assignment: Assignment): Resource => {
  const near = assignment.endpoints.filter(({ fallback }) => fallback !== true);
  const far = assignment.endpoints.filter(({ fallback }) => fallback === true);
  return assignmentResource({
    clusterName: assignment.upstream,
    endpoints: [near, far].flatMap((endpoints, priority) =>
      endpoints.length === 0
        ? []
        : [{ locality: { zone: 'local' }, lbEndpoints: endpoints.map(lbEndpoint), ...(priority > 0 && { priority }) }],
    ),
  });
});
