import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject, MeshObjects } from '@osm/core';
import { TYPE_URL } from '@osm/envoy';
import { createCorePlanner } from './core-planner.ts';
import type { PlannedProxy, ProxyConfiguration } from './planner.ts';

const object = (kind: string, namespace: string | undefined, name: string, rest: object, labels = {}): MeshObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, labels, ...(namespace !== undefined && { namespace }) },
  ...rest,
});
const keyed = (...objects: MeshObject[]): ReadonlyMap<string, MeshObject> =>
  new Map(
    objects.map((each) => [
      `${each.metadata.namespace ? `${each.metadata.namespace}/` : ''}${each.metadata.name}`,
      each,
    ]),
  );
const slice = (service: string, address: string): MeshObject =>
  object(
    'EndpointSlice',
    'shop',
    service,
    {
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80 }],
      endpoints: [{ addresses: [address], targetRef: { kind: 'Pod', name: `${service}-1` } }],
    },
    { 'kubernetes.io/service-name': service },
  );
const pod = (app: string, name: string, podIP: string): MeshObject =>
  object('Pod', 'shop', name, { spec: { serviceAccountName: app }, status: { podIP } }, { app });
const service = (app: string, clusterIP: string): MeshObject =>
  object('Service', 'shop', app, { spec: { clusterIP, selector: { app }, ports: [{ name: 'http', port: 80 }] } });

const NONE: ReadonlyMap<string, MeshObject> = new Map();
const world = (slices = keyed(slice('cart', '10.0.0.1'), slice('db', '10.0.0.3'))): MeshObjects => ({
  meshName: 'osm',
  osmNamespace: 'osm-system',
  trustDomain: 'cluster.local',
  meshConfig: object('MeshConfig', 'osm-system', 'osm-mesh-config', {
    spec: { traffic: { enablePermissiveTrafficPolicyMode: true } },
  }),
  namespaces: keyed(object('Namespace', undefined, 'shop', {}, { 'openservicemesh.io/monitored-by': 'osm' })),
  services: keyed(service('cart', '10.96.0.1'), service('db', '10.96.0.2')),
  endpointSlices: slices,
  pods: keyed(pod('cart', 'cart-1', '10.0.0.1'), pod('cart', 'cart-2', '10.0.0.2'), pod('db', 'db-1', '10.0.0.3')),
  serviceAccounts: NONE,
  trafficTargets: NONE,
  httpRouteGroups: NONE,
  tcpRoutes: NONE,
  trafficSplits: NONE,
  egresses: NONE,
  ingressBackends: NONE,
  retries: NONE,
  upstreamTrafficSettings: NONE,
});
const proxy = (serviceAccount: string, name: string, namespace = 'shop'): PlannedProxy => ({
  uuid: name,
  identity: { namespace, serviceAccount },
  pod: { namespace, name, serviceAccount },
});
const resourcesOf = ({ resources }: ProxyConfiguration) =>
  new Map(
    [...resources.values()]
      .flatMap((layers) => layers.flatMap((layer) => [...layer.values()]))
      .map((resource) => [`${resource.typeUrl} ${resource.name}`, resource]),
  );

test('there is nothing before the first state of the world, nor for proxies outside the mesh', () => {
  const planner = createCorePlanner();
  assert.equal(planner.configure(proxy('cart', 'cart-1')), undefined);
  planner.update(world());
  assert.equal(planner.configure(proxy('cart', 'cart-1', 'elsewhere')), undefined);
});

test('proxies alike get one configuration, which names the servers of each upstream service', () => {
  const planner = createCorePlanner();
  planner.update(world());
  const configuration = planner.configure(proxy('cart', 'cart-1'));
  assert.equal(planner.configure(proxy('cart', 'cart-2')), configuration);
  assert.notEqual(planner.configure(proxy('db', 'db-1')), configuration);
  assert.deepEqual(configuration?.upstreams, [
    { service: 'shop/cart', servers: [{ namespace: 'shop', serviceAccount: 'cart' }] },
    { service: 'shop/db', servers: [{ namespace: 'shop', serviceAccount: 'db' }] },
  ]);
  planner.update(world());
  assert.equal(planner.configure(proxy('cart', 'cart-1')), configuration);
});

test('a moved endpoint makes one resource anew', () => {
  const planner = createCorePlanner();
  planner.update(world());
  const before = resourcesOf(planner.configure(proxy('cart', 'cart-1'))!);
  planner.update(world(keyed(slice('cart', '10.0.0.1'), slice('db', '10.0.0.9'))));
  const after = resourcesOf(planner.configure(proxy('cart', 'cart-1'))!);
  const changed = [...after].filter(([key, resource]) => before.get(key) !== resource).map(([key]) => key);
  assert.deepEqual(changed, [`${TYPE_URL.endpoint} shop/db|80`]);
});
