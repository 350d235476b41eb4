import { MESH_TYPES } from '@osm/control-plane';
import { type MeshObjects, type ObjectsByKey, readSnapshot, type Snapshot } from '@osm/core';
import { type KubeClient, objectKey, type ResourceType, TYPES } from '@osm/kube';
import { type Mesh, orAbsent } from './meshes.ts';

const KINDS = {
  namespaces: TYPES.namespaces,
  services: TYPES.services,
  endpointSlices: TYPES.endpointSlices,
  pods: TYPES.pods,
  serviceAccounts: TYPES.serviceAccounts,
  trafficTargets: MESH_TYPES.trafficTargets,
  httpRouteGroups: MESH_TYPES.httpRouteGroups,
  tcpRoutes: MESH_TYPES.tcpRoutes,
  trafficSplits: MESH_TYPES.trafficSplits,
  egresses: MESH_TYPES.egresses,
  ingressBackends: MESH_TYPES.ingressBackends,
  retries: MESH_TYPES.retries,
  upstreamTrafficSettings: MESH_TYPES.upstreamTrafficSettings,
} satisfies Partial<Record<keyof MeshObjects, ResourceType>>;

/** Name of the MeshConfig that a control plane reads. */
const MESH_CONFIG = 'osm-mesh-config';
/** The commands ask who may call whom, where it plays no part. */
const TRUST_DOMAIN = 'cluster.local';

/** The mesh as its control plane sees it now. Rejects with ApiError where the caller may not read all of it. */
export async function readMesh(client: KubeClient, { name, namespace }: Mesh): Promise<Snapshot> {
  const list = async ([kind, type]: readonly [string, ResourceType]): Promise<readonly [string, ObjectsByKey]> => {
    const { items } = await client.list(type);
    return [kind, new Map(items.map((object) => [objectKey(object), object]))];
  };
  const [meshConfig, ...maps] = await Promise.all([
    orAbsent(client.get(MESH_TYPES.meshConfigs, MESH_CONFIG, { namespace })),
    ...Object.entries(KINDS).map(list),
  ]);
  const kinds = Object.fromEntries(maps) as Record<keyof typeof KINDS, ObjectsByKey>;
  return readSnapshot({ meshName: name, osmNamespace: namespace, trustDomain: TRUST_DOMAIN, meshConfig, ...kinds });
}
