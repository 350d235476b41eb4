import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answered, MeshCluster } from './testing/mesh.ts';

/** TrafficSplits of both versions, over every protocol, and their changes under load. */
const cluster = new MeshCluster();
after(() => cluster.end());

const CLIENT = 'shop/client';
const PORTS =
  '[{name: http, port: 80, targetPort: 8080}, {name: grpc, port: 82, targetPort: 8082}, {name: tcp, port: 90, targetPort: 9000}]';
const SERVE = 'http:8080,grpc:8082,tcp:9000';
const LEAVES = ['v1', 'v2', 'v3'];

const service = (name: string, selector: string): string => `---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: store}
spec: {${selector === '' ? '' : `selector: ${selector}, `}ports: ${PORTS}}
`;
const split = (
  name: string,
  apex: string,
  weights: Record<string, number>,
  more = '',
  version = 'v1alpha2',
): string => `---
apiVersion: split.smi-spec.io/${version}
kind: TrafficSplit
metadata: {name: ${name}, namespace: store}
spec:
  service: ${apex}
  backends: ${JSON.stringify(Object.entries(weights).map(([leaf, weight]) => ({ service: leaf, weight })))}
  ${more}
`;
const server = ({ body = '{}' }: Answered): string => (JSON.parse(body) as { name: string }).name;

/** Who answers a number of requests, and how often. */
async function answering(
  url: string,
  times: number,
  headers: Record<string, string> = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const all = await Promise.all(Array.from({ length: times }, () => cluster.get(CLIENT, url, headers)));
  for (const answer of all) {
    assert.equal(answer.status, 200, answer.error);
    counts[server(answer)] = (counts[server(answer)] ?? 0) + 1;
  }
  return counts;
}
const answers = async (url: string, times: number, expected: readonly string[], headers: Record<string, string> = {}) =>
  assert.deepEqual(Object.keys(await answering(url, times, headers)).sort(), expected);

/** Waits until none but these answer, as a change is on its way to the sidecars, and all of them do. */
async function settles(url: string, expected: readonly string[], headers: Record<string, string> = {}): Promise<void> {
  for (let tries = 0; ; tries++) {
    const seen = Object.keys(await answering(url, 40, headers)).sort();
    if (seen.join() === expected.join()) return;
    assert.ok(tries < 50, `${url} is answered by ${seen.join()}, not ${expected.join()}`);
  }
}

before(async () => {
  await cluster.start(['shop', 'store']);
  // The leaves share a service account, as OSM's demo has it, and the root selects them all.
  await cluster.apply(service('root', '{of: root}') + service('bare', '') + service('upper', '{of: root}'));
  await cluster.run(
    { name: 'client', namespace: 'shop' },
    ...LEAVES.map((name) => ({
      name,
      namespace: 'store',
      serve: SERVE,
      ports: PORTS,
      serviceAccount: 'leaf',
      labels: { of: 'root' },
    })),
  );
  await cluster.apply(split('root', 'root', { v1: 50, v2: 50 }));
  await settles('http://root.store/', ['v1', 'v2']);
});

test('by weight: half and half', async () => {
  const counts = await answering('http://root.store/', 200);
  assert.ok((counts.v1 ?? 0) > 60 && (counts.v2 ?? 0) > 60, JSON.stringify(counts));
});

test('TCP is split by connection', async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const { body = '', error } = await cluster.call(CLIENT, { call: 'tcp', host: 'root.store', port: 90, say: 'hi' });
    assert.match(body, /^v[12]: hi$/, error);
    seen.add(body);
  }
  assert.equal(seen.size, 2);
});

test('gRPC is split by call, WebSockets by connection', async () => {
  const words = Array.from({ length: 40 }, (_, i) => `${i}`);
  const grpc = await cluster.call(CLIENT, { call: 'grpc', target: 'root.store:82', words });
  assert.deepEqual([...new Set(grpc.answers?.map((answer) => answer.slice(0, 2)))].sort(), ['v1', 'v2'], grpc.error);
  const seen = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const { answers = [], error } = await cluster.call(CLIENT, {
      call: 'websocket',
      url: 'ws://root.store/',
      words: ['x'],
    });
    assert.match(answers[0] ?? '', /^v[12]: x$/, error);
    seen.add(answers[0] ?? '');
  }
  assert.equal(seen.size, 2);
});

test('changes under load lose no request, and end with whom they name', async () => {
  await cluster.call(CLIENT, { call: 'load', url: 'http://root.store/' });
  for (const weights of [{ v1: 100, v2: 0 }, { v1: 10, v2: 90 }, { v2: 100 }, { v3: 1 }, { v1: 0, v2: 0, v3: 5 }]) {
    await cluster.apply(split('root', 'root', weights));
    const named = Object.entries(weights).flatMap(([leaf, weight]) => (weight > 0 ? [leaf] : []));
    await settles('http://root.store/', named);
  }
  await cluster.ok('delete', 'trafficsplit', '-n', 'store', 'root');
  await settles('http://root.store/', LEAVES);
  const { counts = {} } = await cluster.call(CLIENT, { call: 'loaded' });
  assert.deepEqual(Object.keys(counts).sort(), LEAVES, JSON.stringify(counts));
});

test('a root service without a selector', async () => {
  await cluster.apply(split('bare', 'bare', { v1: 1, v3: 1 }));
  await cluster.status(CLIENT, 'http://bare.store/', 200);
  await settles('http://bare.store/', ['v1', 'v3']);
});

test('all weights 0: nobody answers, and other services go on', async () => {
  await cluster.apply(split('bare', 'bare', { v1: 0, v3: 0 }));
  await cluster.status(CLIENT, 'http://bare.store/', 503);
  await answers('http://v1.store/', 5, ['v1']);
});

test('a split of a split', async () => {
  await cluster.apply(split('upper', 'upper', { root: 1, v3: 1 }) + split('root', 'root', { v1: 1, v2: 1 }));
  await settles('http://upper.store/', ['v1', 'v2', 'v3']);
  await settles('http://root.store/', ['v1', 'v2']);
});

test('v1alpha4: requests with a header go elsewhere', async () => {
  await cluster.apply(`
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: beta, namespace: store}
spec:
  matches: [{name: beta, headers: [{x-group: "beta.*"}]}, {name: path, pathRegex: "/new/.*"}]
${split('beta', 'root', { v3: 100 }, 'matches: [{kind: HTTPRouteGroup, name: beta}]', 'v1alpha4')}`);
  await settles('http://root.store/', ['v3'], { 'x-group': 'beta-1' });
  await answers('http://root.store/new/thing', 20, ['v3']);
  await answers('http://root.store/', 40, ['v1', 'v2']);
  await answers('http://root.store/', 40, ['v1', 'v2'], { 'x-group': 'alpha' });
  // The other version of the API shows the same object.
  assert.match(
    await cluster.ok('get', 'trafficsplits.v1alpha2.split.smi-spec.io', '-n', 'store', 'beta', '-o', 'yaml'),
    /matches:/,
  );
});

test('in SMI mode the root is reached by who may call the leaves', async () => {
  await cluster.config({ traffic: { enablePermissiveTrafficPolicyMode: false } });
  await cluster.eventually(
    CLIENT,
    { call: 'http', url: 'http://root.store/' },
    ({ error }) => error !== '',
    'a denial',
  );
  await cluster.apply(`
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: all, namespace: store}
spec: {matches: [{name: everything, pathRegex: ".*", methods: ["*"]}]}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: client, namespace: store}
spec:
  destination: {kind: ServiceAccount, name: leaf, namespace: store}
  sources: [{kind: ServiceAccount, name: client, namespace: shop}]
  rules: [{kind: HTTPRouteGroup, name: all, matches: [everything]}]
`);
  await cluster.status(CLIENT, 'http://root.store/', 200);
  await settles('http://upper.store/', ['v1', 'v2', 'v3']);
});
