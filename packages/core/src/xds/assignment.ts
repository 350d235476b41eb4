import type { LbEndpointJson, Resource } from '@osm/envoy';
import type { Assignment } from '../plan/types.ts';
import { remember } from './remember.ts';
import { assignmentResource } from './resource.ts';

/** The endpoints of an upstream. One for all proxies of the mesh: nothing of the caller is in it. */
export const loadAssignment = remember((assignment: Assignment): Resource => {
  const lbEndpoints = assignment.endpoints.map(
    ({ address, port, health }): LbEndpointJson => ({
      endpoint: { address: { socketAddress: { address, portValue: port } } },
      // A draining endpoint gets no new requests or connections, and keeps those that it has.
      ...(health === 'draining' ? { healthStatus: 'DRAINING' } : {}),
    }),
  );
  return assignmentResource({
    clusterName: assignment.upstream,
    endpoints: lbEndpoints.length === 0 ? [] : [{ locality: { zone: 'local' }, lbEndpoints }],
  });
});
