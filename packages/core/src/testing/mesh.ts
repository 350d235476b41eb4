import { parseAllDocuments } from 'yaml';
import type { MeshObject, MeshObjects, ObjectsByKey } from '../model/objects.ts';
import type { PlannedProxy } from '../plan/plan.ts';

/** A mesh written as YAML: the first document names the proxy, each further one is a Kubernetes object. */
export interface WrittenMesh {
  readonly proxy: PlannedProxy;
  readonly objects: MeshObjects;
}

const MAPS: Readonly<Record<string, keyof MeshObjects>> = {
  Namespace: 'namespaces',
  Service: 'services',
  EndpointSlice: 'endpointSlices',
  Pod: 'pods',
  ServiceAccount: 'serviceAccounts',
  TrafficTarget: 'trafficTargets',
  HTTPRouteGroup: 'httpRouteGroups',
  TCPRoute: 'tcpRoutes',
  TrafficSplit: 'trafficSplits',
  Egress: 'egresses',
  IngressBackend: 'ingressBackends',
  Retry: 'retries',
  UpstreamTrafficSetting: 'upstreamTrafficSettings',
};

/** Sorts objects into the maps of a mesh named `osm`, whose control plane is in `osm-system`. */
export function meshOf(objects: readonly MeshObject[]): MeshObjects {
  const maps = Object.fromEntries(Object.values(MAPS).map((map) => [map, new Map<string, MeshObject>()]));
  const caBundles = new Map<string, MeshObject>();
  let meshConfig: MeshObject | undefined;
  for (const object of objects) {
    const { namespace, name } = object.metadata;
    const map = maps[MAPS[object.kind] ?? ''];
    if (object.kind === 'MeshConfig') meshConfig = object;
    else if (object.kind === 'ConfigMap' || object.kind === 'Secret')
      caBundles.set(`${object.kind}/${namespace}/${name}`, object);
    else if (map === undefined) throw new Error(`no kind of the mesh: ${object.kind}`);
    else map.set(namespace === undefined ? name : `${namespace}/${name}`, object);
  }
  return {
    meshName: 'osm',
    osmNamespace: 'osm-system',
    trustDomain: 'cluster.local',
    meshConfig,
    caBundles,
    ...(maps as unknown as Record<
      Exclude<keyof MeshObjects, 'meshName' | 'osmNamespace' | 'trustDomain' | 'meshConfig' | 'caBundles'>,
      ObjectsByKey
    >),
  };
}

/**
 * Reads a written mesh. Its first document is `proxy: { namespace, serviceAccount, pod }`, where `pod` may be absent;
 * throws when the text is no such YAML.
 */
export function parseMesh(text: string): WrittenMesh {
  const documents = parseAllDocuments(text, { merge: true }).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as unknown;
  });
  const [header, ...objects] = documents.filter((document) => document !== null);
  const { proxy } = header as {
    readonly proxy: { readonly namespace: string; readonly serviceAccount: string; readonly pod?: string };
  };
  const { namespace, serviceAccount, pod } = proxy;
  return {
    proxy: {
      identity: { namespace, serviceAccount },
      pod: pod === undefined ? undefined : { namespace, name: pod },
    },
    objects: meshOf(objects as MeshObject[]),
  };
}
