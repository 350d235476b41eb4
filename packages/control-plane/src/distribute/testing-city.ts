import type { MeshObject, MeshObjects, ObjectsByKey } from '@osm/core';
import type { PlannedProxy } from './planner.ts';

/** A mesh of a given size in permissive mode: every workload has a service and an identity of its own, and one proxy. */
export interface City {
  readonly objects: MeshObjects;
  readonly proxies: readonly PlannedProxy[];
}

const NONE: ObjectsByKey = new Map();
const IN_A_NAMESPACE = 10;

const address = (block: number, index: number): string => `10.${block}.${index >> 8}.${index & 255}`;
const space = (index: number): string => `city-${Math.floor(index / IN_A_NAMESPACE)}`;
const object = (kind: string, namespace: string | undefined, name: string, rest: object, labels = {}): MeshObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, generation: 1, labels, ...(namespace !== undefined && { namespace }) },
  ...rest,
});
const keyed = (objects: readonly MeshObject[]): Map<string, MeshObject> =>
  new Map(
    objects.map((each) => {
      const { namespace, name } = each.metadata;
      return [namespace === undefined ? name : `${namespace}/${name}`, each];
    }),
  );

/** The endpoints of a workload's service. */
const slice = (index: number, ip: string): MeshObject =>
  object(
    'EndpointSlice',
    space(index),
    `app-${index}`,
    {
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [{ addresses: [ip], targetRef: { kind: 'Pod', name: `app-${index}-1` } }],
    },
    { 'kubernetes.io/service-name': `app-${index}` },
  );

/** Creates a city of so many workloads. */
export function createCity(size: number): City {
  const numbers = Array.from({ length: size }, (_, index) => index);
  const spaces = new Set(numbers.map(space));
  const monitored = { 'openservicemesh.io/monitored-by': 'osm' };
  return {
    objects: {
      meshName: 'osm',
      osmNamespace: 'osm-system',
      trustDomain: 'cluster.local',
      meshConfig: object('MeshConfig', 'osm-system', 'osm-mesh-config', {
        spec: { traffic: { enablePermissiveTrafficPolicyMode: true } },
      }),
      namespaces: keyed([...spaces].map((name) => object('Namespace', undefined, name, {}, monitored))),
      services: keyed(
        numbers.map((index) =>
          object('Service', space(index), `app-${index}`, {
            spec: {
              clusterIP: address(96, index),
              selector: { app: `app-${index}` },
              ports: [{ name: 'http', port: 80, targetPort: 8080 }],
            },
          }),
        ),
      ),
      endpointSlices: keyed(numbers.map((index) => slice(index, address(1, index)))),
      pods: keyed(
        numbers.map((index) =>
          object(
            'Pod',
            space(index),
            `app-${index}-1`,
            { spec: { serviceAccountName: `app-${index}` }, status: { podIP: address(1, index) } },
            { app: `app-${index}` },
          ),
        ),
      ),
      serviceAccounts: NONE,
      trafficTargets: NONE,
      httpRouteGroups: NONE,
      tcpRoutes: NONE,
      trafficSplits: NONE,
      egresses: NONE,
      ingressBackends: NONE,
      retries: NONE,
      upstreamTrafficSettings: NONE,
    },
    proxies: numbers.map((index) => ({
      uuid: `proxy-${index}`,
      identity: { namespace: space(index), serviceAccount: `app-${index}` },
      pod: { namespace: space(index), name: `app-${index}-1`, serviceAccount: `app-${index}` },
    })),
  };
}

/** The same city after the endpoint of one service moved to another address. */
export function moveEndpoint(objects: MeshObjects, index: number, ip: string): MeshObjects {
  const moved = slice(index, ip);
  return {
    ...objects,
    endpointSlices: new Map([
      ...objects.endpointSlices,
      [`${moved.metadata.namespace}/${moved.metadata.name}`, moved] as const,
    ]),
  };
}

/** The same city with one more service, over the pods of a workload. */
export function addService(objects: MeshObjects, index: number, name: string): MeshObjects {
  const added = object('Service', space(index), name, {
    spec: { clusterIP: '10.97.0.1', selector: { app: `app-${index}` }, ports: [{ name: 'http', port: 81 }] },
  });
  return { ...objects, services: new Map([...objects.services, [`${space(index)}/${name}`, added] as const]) };
}
