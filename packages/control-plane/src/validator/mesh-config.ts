import { parseMeshConfig } from '@osm/api';
import type { PolicyObject } from './rules.ts';

/**
 * Checks a MeshConfig (`config.openservicemesh.io/v1alpha2`): its fields, and that what is switched on can work. External
 * authorization that has nobody to ask would deny every request of the mesh.
 */
export function checkMeshConfig(object: PolicyObject): readonly string[] {
  const parsed = parseMeshConfig({ spec: object.spec });
  if (!parsed.ok) return parsed.faults.map(({ field, message }) => `${field}: ${message}`);
  const external = parsed.spec.traffic.inboundExternalAuthorization;
  if (external?.enable !== true) return [];
  const path = 'spec.traffic.inboundExternalAuthorization';
  return [
    ...(external.address ? [] : [`${path}.address is missing; it names the authorization service, which is enabled`]),
    ...(external.port === undefined ? [`${path}.port is missing; it is where the authorization service listens`] : []),
  ];
}
