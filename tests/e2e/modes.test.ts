import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { succeeded, until } from './testing/cluster.ts';
import { type Answered, MeshCluster } from './testing/mesh.ts';

/** Whom workloads let in, changed while they run: modes of the mesh and of namespaces, audits, and plaintext for a time. */
const cluster = new MeshCluster();
after(() => cluster.end());

const [BUYER, THIEF, STRANGER] = ['front/buyer', 'front/thief', 'outside/stranger'];
const STORE = 'http://store.shop/';
const MODE = 'openservicemesh.io/permissive-traffic-policy-mode';
const PORTS = '[{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 90, targetPort: 9000}]';

const annotate = (...words: readonly string[]): Promise<string> => cluster.ok('annotate', '--overwrite', ...words);
const permissive = (on: boolean): Promise<void> =>
  cluster.config({ traffic: { enablePermissiveTrafficPolicyMode: on } });
const osm = async (...words: readonly string[]): Promise<string> =>
  succeeded(await cluster.osm(words), `osm ${words.join(' ')}`);

/** The routes and the rules of the store: two of them for one caller. */
const RULES = `apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: routes, namespace: shop}
spec:
  matches:
  - {name: books, pathRegex: /books, methods: [GET]}
  - {name: sell, pathRegex: /sell, methods: [POST]}
  - {name: free, pathRegex: /free}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: books, namespace: shop}
spec:
  destination: {kind: ServiceAccount, name: store, namespace: shop}
  sources: [{kind: ServiceAccount, name: buyer, namespace: front}]
  rules: [{kind: HTTPRouteGroup, name: routes, matches: [books]}]
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: sell, namespace: shop}
spec:
  destination: {kind: ServiceAccount, name: store, namespace: shop}
  sources: [{kind: ServiceAccount, name: buyer, namespace: front}]
  rules: [{kind: HTTPRouteGroup, name: routes, matches: [sell]}]
`;
const FREE = `apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: free, namespace: shop, annotations: {openservicemesh.io/audit: "true"}}
spec:
  destination: {kind: ServiceAccount, name: store, namespace: shop}
  sources: [{kind: ServiceAccount, name: thief, namespace: front}]
  rules: [{kind: HTTPRouteGroup, name: routes, matches: [free]}]
`;

const post = (url: string) => ({ call: 'http', method: 'POST', url }) as const;
const refused = (answer: Answered): boolean => answer.status === undefined && answer.error !== '';
/** Waits until a GET is let through, or is not: refused at the caller, or by the server. */
const passes = (app: string, url: string): Promise<Answered> => cluster.status(app, url, 200);
const isClosed = (app: string, url: string): Promise<Answered> =>
  cluster.eventually(app, { call: 'http', url }, refused, `${app} is refused at ${url}`);

before(async () => {
  await cluster.start(['shop', 'front'], ['outside'], 'osm.enablePermissiveTrafficPolicy=false');
  await cluster.run(
    { name: 'store', namespace: 'shop', serve: 'http:8080,tcp:9000', ports: PORTS },
    { name: 'buyer', namespace: 'front', serve: 'http:8080', ports: '[{name: http, port: 80, targetPort: 8080}]' },
    { name: 'thief', namespace: 'front' },
    { name: 'stranger', namespace: 'outside' },
  );
});

test('by default nobody is let in', async () => {
  for (const app of [BUYER, THIEF, STRANGER]) await isClosed(app, STORE);
});

test('live to permissive mode and back', async () => {
  await permissive(true);
  for (const app of [BUYER, THIEF]) await passes(app, STORE);
  assert.ok(refused(await cluster.get(STRANGER, STORE)), 'without a certificate there is no way in');
  await permissive(false);
  for (const app of [BUYER, THIEF]) await isClosed(app, STORE);
});

test('several rules for one identity are a union', async () => {
  await cluster.apply(RULES);
  await passes(BUYER, `${STORE}books`);
  assert.equal((await cluster.call(BUYER, post(`${STORE}sell`))).status, 200);
  assert.equal((await cluster.get(BUYER, `${STORE}sell`)).status, 404);
  assert.equal((await cluster.call(BUYER, post(`${STORE}books`))).status, 404);
  assert.ok(refused(await cluster.get(THIEF, `${STORE}books`)));
});

test('a TrafficTarget that is audited lets nobody in, and is counted; then it is put in force', async () => {
  await cluster.apply(FREE);
  await cluster.status(THIEF, `${STORE}free`, 403);
  assert.equal((await cluster.get(THIEF, `${STORE}books`)).status, 403);
  assert.match(await osm('policy', 'audit', '-n', 'shop'), /\nshop\/store-\S+ +shop\/store +8080 +\d+ +[1-9]\d*\n/);
  await annotate('traffictarget', 'free', '-n', 'shop', 'openservicemesh.io/audit=false');
  await passes(THIEF, `${STORE}free`);
  assert.equal(await osm('policy', 'audit'), 'nothing is audited\n');
  await cluster.ok('delete', 'traffictarget', 'free', '-n', 'shop');
  await isClosed(THIEF, `${STORE}free`);
});

test('a namespace in permissive mode is open, and no other is', async () => {
  await annotate('namespace', 'shop', `${MODE}=enabled`);
  await passes(THIEF, `${STORE}anything`);
  assert.ok(refused(await cluster.get(THIEF, 'http://buyer.front/')));
});

test('a namespace that audits SMI mode refuses nothing, and tells what it would', async () => {
  await annotate('namespace', 'shop', `${MODE}=audit`);
  await until('the audit is on', async () => !(await osm('policy', 'audit')).startsWith('nothing is audited'));
  const count = async (): Promise<number> =>
    Number(/8080 +\d+ +(\d+)\n/.exec(await osm('policy', 'audit', '-n', 'shop'))?.[1] ?? 0);
  const before = await count();
  await until('what would be refused is counted', async () => {
    assert.equal((await cluster.get(THIEF, `${STORE}stolen`)).status, 200);
    return (await count()) > before;
  });
  const logged = async () => {
    const lines = (await cluster.ok('logs', 'deploy/store', '-n', 'shop', '-c', 'envoy')).split('\n');
    const line = lines.findLast(
      (each) => each.includes('"path":"/stolen"') && each.includes('"audit_result":"denied"'),
    );
    return line?.includes('"source_principal":"spiffe://cluster.local/thief/front"') ?? false;
  };
  await until('the access log tells of it', logged);
});

test('a namespace in SMI mode is closed in a permissive mesh', async () => {
  await annotate('namespace', 'shop', `${MODE}=disabled`);
  await permissive(true);
  await passes(THIEF, 'http://buyer.front/');
  await isClosed(THIEF, STORE);
  await passes(BUYER, `${STORE}books`);
  await permissive(false);
  await annotate('namespace', 'shop', `${MODE}-`);
  await isClosed(THIEF, 'http://buyer.front/');
});

test('plaintext is let in where the namespace says so, on the ports it names, and told apart', async () => {
  const tcp = { call: 'tcp', host: 'store.shop', port: 90, say: 'hello' } as const;
  await isClosed(STRANGER, STORE);
  await annotate(
    'namespace',
    'shop',
    'openservicemesh.io/mtls-mode=permissive',
    'openservicemesh.io/mtls-permissive-ports=8080',
  );
  await passes(STRANGER, STORE);
  assert.ok(refused(await cluster.call(STRANGER, tcp)));
  // The mesh goes on by mutual TLS and by its rules.
  await passes(BUYER, `${STORE}books`);
  assert.ok(refused(await cluster.get(THIEF, STORE)));
  assert.match(await osm('policy', 'plaintext'), /\nshop\/store-\S+ +shop\/store +8080 +[1-9]\d* +\d+\n/);
  await annotate('namespace', 'shop', 'openservicemesh.io/mtls-permissive-ports-');
  await cluster.eventually(
    STRANGER,
    tcp,
    ({ answers, body }) => (answers?.join('') ?? body ?? '').includes('hello'),
    'TCP in plaintext',
  );
  // A pod may be ahead of its namespace.
  const pod = (await cluster.jsonpath('{.items[0].metadata.name}', 'pods', '-n', 'shop', '-l', 'app=store')).trim();
  await annotate('pod', pod, '-n', 'shop', 'openservicemesh.io/mtls-mode=strict');
  await isClosed(STRANGER, STORE);
  await annotate('pod', pod, '-n', 'shop', 'openservicemesh.io/mtls-mode-');
  await passes(STRANGER, STORE);
  await annotate('namespace', 'shop', 'openservicemesh.io/mtls-mode-');
  await isClosed(STRANGER, STORE);
  assert.equal(await osm('policy', 'plaintext'), 'plaintext is let in nowhere\n');
});
