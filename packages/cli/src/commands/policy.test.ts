import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESH_TYPES } from '@osm/control-plane';
import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { runCommandLine } from '../testing/command-line.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh, namespace } from '../testing/objects.ts';

type Stored = readonly [type: ResourceType, object: KubeObject];

const object = (type: ResourceType, name: string, fields: object, labels: Record<string, string> = {}): Stored => [
  type,
  {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: { name, namespace: type === MESH_TYPES.meshConfigs ? 'osm-system' : 'shop', labels },
    ...fields,
  },
];
const pod = (name: string, { sidecar = true } = {}): Stored =>
  object(
    TYPES.pods,
    name,
    { spec: { serviceAccountName: name }, status: { phase: 'Running', podIP: '10.0.0.1' } },
    { app: name, ...(sidecar && { 'osm-proxy-uuid': `uuid-${name}` }) },
  );
const service: Stored = object(TYPES.services, 'store', {
  spec: {
    clusterIP: '10.96.0.1',
    selector: { app: 'store' },
    ports: [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'mysql', port: 3306 },
    ],
  },
});
const slice: Stored = object(
  TYPES.endpointSlices,
  'store-x',
  {
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080 },
      { name: 'mysql', port: 3306 },
    ],
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'store' } }],
  },
  { 'kubernetes.io/service-name': 'store' },
);
const config = (permissive: boolean): Stored =>
  object(MESH_TYPES.meshConfigs, 'osm-mesh-config', {
    spec: { traffic: { enablePermissiveTrafficPolicyMode: permissive } },
  });
const rules: readonly Stored[] = [
  object(MESH_TYPES.httpRouteGroups, 'routes', {
    spec: { matches: [{ name: 'books', pathRegex: '/books.*', methods: ['GET'], headers: [{ client: 'app' }] }] },
  }),
  object(MESH_TYPES.trafficTargets, 'buy', {
    spec: {
      destination: { kind: 'ServiceAccount', name: 'store', namespace: 'shop' },
      sources: [{ kind: 'ServiceAccount', name: 'cart', namespace: 'shop' }],
      rules: [{ kind: 'HTTPRouteGroup', name: 'routes', matches: ['books'] }],
    },
  }),
];
const ingress = (name: string, backend = 'store'): Stored =>
  object(MESH_TYPES.ingressBackends, name, {
    spec: {
      backends: [{ name: backend, port: { number: 8080, protocol: 'http' } }],
      sources: [{ kind: 'IPRange', name: '10.0.0.0/8' }],
    },
  });

const run = (words: string, ...objects: readonly Stored[]) => {
  const common = [mesh('osm', 'osm-system'), namespace('shop', { mesh: 'osm' }), namespace('other'), service, slice];
  return runCommandLine(words, { cluster: createMemoryClient({ objects: [...common, ...objects] }) });
};
const PODS = [pod('cart'), pod('store'), pod('thief')];

test('check-pods tells what TrafficTargets let through, and which', async () => {
  const { output } = await run('policy check-pods shop/cart shop/store', config(false), ...PODS, ...rules);
  assert.equal(
    output,
    `pod shop/cart may call pod shop/store (service accounts shop/cart and shop/store)

SERVICE      PORT   PROTOCOL   REQUESTS                   BECAUSE OF
shop/store   80     http       GET /books.* client: app   TrafficTarget shop/buy, HTTPRouteGroup shop/routes
`,
  );
});

test('check-pods in permissive mode', async () => {
  const { output } = await run('policy check-pods shop/thief shop/store', config(true), ...PODS, ...rules);
  assert.match(output, /shop\/store {3}3306 {3}\S+ +anything +permissive mode/);
});

test('check-pods fails for a pod that may not', async () => {
  const { error, code } = await run('policy check-pods shop/thief shop/store', config(false), ...PODS, ...rules);
  assert.match(error ?? '', /^pod shop\/thief may not call pod shop\/store .*no TrafficTarget/);
  assert.equal(code, 1);
});

for (const [words, expected] of [
  ['shop/gone shop/store', /no running pod shop\/gone/],
  ['other/x shop/store', /namespace other takes no part/],
  ['a/b/c shop/store', /give namespace\/name/],
  ['shop/bare shop/store', /has no sidecar/],
  ['shop/store shop/cart', /no Service selects pod shop\/cart/],
] as const) {
  test(`check-pods ${words}`, async () => {
    const { error } = await run(`policy check-pods ${words}`, config(true), ...PODS, pod('bare', { sidecar: false }));
    assert.match(error ?? '', expected);
  });
}

test('check-conflicts finds two policies for one backend, and what is missing', async () => {
  const { output, error, code } = await run(
    'policy check-conflicts IngressBackend -n shop',
    ...PODS,
    ingress('first'),
    ingress('second'),
    ingress('third', 'gone'),
  );
  assert.match(output, /IngressBackend shop\/second +spec\.backends\[0\] +port 8080 of service shop\/store has an/);
  assert.match(output, /IngressBackend shop\/third +spec\.backends\[0\]\.port\.number +service shop\/gone has no/);
  assert.doesNotMatch(output, /shop\/first/);
  assert.match(error ?? '', /^2 of what/);
  assert.equal(code, 1);
});

test('check-conflicts without any', async () => {
  const { output } = await run('policy check-conflicts ingressbackend --namespaces shop', ...PODS, ingress('first'));
  assert.equal(output, 'no conflicts among objects of kind IngressBackend in namespace shop\n');
});

for (const [words, expected] of [
  ['IngressBackend', /exactly one namespace/],
  ['IngressBackend -n shop,other', /exactly one namespace/],
  ['IngressBackend -n other', /osm namespace add other/],
  ['Ingress -n shop', /none of IngressBackend/],
] as const) {
  test(`check-conflicts ${words}`, async () => {
    assert.match((await run(`policy check-conflicts ${words}`)).error ?? '', expected);
  });
}
