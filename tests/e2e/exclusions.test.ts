import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { succeeded, until } from './testing/cluster.ts';
import { type Answered, type App, MeshCluster, manifest } from './testing/mesh.ts';

/**
 * What passes by the proxy: lists given at installation, in MeshConfig for new pods, and on single pods. Nothing may
 * leave the mesh or come in from outside, so that a call over its border comes through where the proxy is passed by.
 */
const cluster = new MeshCluster();
after(() => cluster.end());

const PORTS = [8080, 9001, 9002, 9003] as const;
const SERVE = PORTS.map((port) => `http:${port}`).join(',');
const SERVICE = JSON.stringify(PORTS.map((port) => ({ name: `http-${port}`, port })));
const STRANGER = 'outside/echo';
/** The server outside, by name. */
const ECHO = 'http://echo.outside';

const passed = ({ status }: Answered): boolean => status === 200;
const refused = ({ status }: Answered): boolean => status !== 200;
/** Ports of the server outside that a pod reaches. */
async function reaches(app: string): Promise<readonly number[]> {
  const answers = await Promise.all(PORTS.map((port) => cluster.get(app, `${ECHO}:${port}/`)));
  return PORTS.filter((_, at) => passed(answers[at]!));
}
/** Ports of a pod of the mesh that the one outside reaches. */
async function letsIn(name: string): Promise<readonly number[]> {
  const answers = await Promise.all(PORTS.map((port) => cluster.get(STRANGER, `http://${name}.shop:${port}/`)));
  return PORTS.filter((_, at) => passed(answers[at]!));
}

/** Runs an application of the mesh whose pod has annotations of its own. */
async function run(name: string, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  const app: App = { name, namespace: 'shop', serve: SERVE, ports: SERVICE };
  const own = Object.entries(annotations).map(([key, value]) => [`openservicemesh.io/${key}`, value]);
  const annotated = `metadata: {annotations: ${JSON.stringify(Object.fromEntries(own))}, labels: `;
  await cluster.apply(manifest(app).replace('metadata: {labels: ', annotated));
  await cluster.ok('rollout', 'status', `deploy/${name}`, '-n', 'shop', '--timeout=50s');
  // A container that runs may not listen yet, and a forwarded port is closed for good when nothing answers: port 9900.
  const listens = ['exec', '-n', 'shop', `deploy/${name}`, '-c', 'app', '--', 'grep', '-q', ':26AC ', '/proc/net/tcp'];
  await until(`${name} listens`, async () => (await cluster.kubectl(listens)).code === 0);
}
/** The lines in which the command explains what passes by the proxy of a pod. */
async function explained(name: string): Promise<string> {
  const pod = await cluster.jsonpath('{.items[0].metadata.name}', 'pods', '-n', 'shop', '-l', `app=${name}`);
  return succeeded(await cluster.osm(['explain', 'exclusions', pod, '-n', 'shop']), 'osm explain exclusions');
}

let address = '';

before(async () => {
  const lists = ['osm.outboundPortExclusionList={9001}', 'osm.inboundPortExclusionList={9002}'];
  await cluster.start(['shop'], ['outside'], ...lists);
  await cluster.run({ name: 'echo', namespace: 'outside', serve: SERVE, ports: SERVICE });
  address = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'echo', '-n', 'outside');
});

test('lists of the installation', async () => {
  await run('plain');
  assert.deepEqual(await reaches('shop/plain'), [9001]);
  assert.deepEqual(await letsIn('plain'), [9002]);
  const text = await explained('plain');
  assert.match(text, /\noutbound +port 9001 +MeshConfig spec\.traffic\.outboundPortExclusionList\n/);
  assert.match(text, /\ninbound +port 9002 +MeshConfig spec\.traffic\.inboundPortExclusionList\n/);
});

test('lists of single pods add to those of the mesh', async () => {
  await run('ports', { 'outbound-port-exclusion-list': '9003', 'inbound-port-exclusion-list': '8080, 9001' });
  assert.deepEqual(await reaches('shop/ports'), [9001, 9003]);
  assert.deepEqual(await letsIn('ports'), [8080, 9001, 9002]);
  assert.match(await explained('ports'), /\noutbound +port 9003 +annotation \S+\/outbound-port-exclusion-list\n/);
});

test('ranges of addresses: excluded, and alone included', async () => {
  await Promise.all([
    run('excludes', { 'outbound-ip-range-exclusion-list': `${address}/32` }),
    run('elsewhere', { 'outbound-ip-range-exclusion-list': '203.0.113.0/24' }),
    run('includes', { 'outbound-ip-range-inclusion-list': `${address}/32` }),
    run('others', { 'outbound-ip-range-inclusion-list': '203.0.113.0/24' }),
  ]);
  assert.deepEqual(await reaches('shop/excludes'), [...PORTS]);
  assert.deepEqual(await reaches('shop/elsewhere'), [9001]);
  assert.deepEqual(await reaches('shop/includes'), [9001]);
  assert.deepEqual(await reaches('shop/others'), [...PORTS]);
  assert.match(await explained('others'), /only this goes through the proxy\n\n.*\noutbound +203\.0\.113\.0\/24 /);
});

test('a list that changes holds for pods made from then on', async () => {
  await cluster.config({ traffic: { outboundPortExclusionList: [9002] } });
  await run('later');
  assert.deepEqual(await reaches('shop/later'), [9002]);
  assert.deepEqual(await reaches('shop/plain'), [9001]);
  const text = await explained('plain');
  assert.match(text, /\noutbound +port 9001 +asked for when the pod was made, and no longer\n/);
  assert.match(text, /made anew\n\n.*\noutbound +port 9002 +MeshConfig /);
});

test('an interface is excluded both ways', async () => {
  assert.ok(refused(await cluster.get('shop/later', `${ECHO}:8080/`)));
  await cluster.config({ traffic: { networkInterfaceExclusionList: ['eth0'] } });
  await run('device');
  assert.deepEqual(await reaches('shop/device'), [...PORTS]);
  assert.deepEqual(await letsIn('device'), [...PORTS]);
  assert.match(
    await explained('device'),
    /\ninbound +interface eth0 +MeshConfig spec\.traffic\.networkInterfaceExclusionList\n/,
  );
});

test('a list that is wrong is refused, with the entry', async () => {
  const wrong = { name: 'wrong', namespace: 'shop', serve: SERVE } satisfies App;
  const pod = manifest(wrong).replace(
    'metadata: {labels: ',
    'metadata: {annotations: {openservicemesh.io/outbound-port-exclusion-list: "80,http"}, labels: ',
  );
  await cluster.apply(pod);
  await cluster.ok('wait', '-n', 'shop', '--for=condition=ReplicaFailure', 'deploy/wrong', '--timeout=30s');
  const said = await cluster.jsonpath(
    '{.status.conditions[?(@.type=="ReplicaFailure")].message}',
    'deploy',
    'wrong',
    '-n',
    'shop',
  );
  assert.match(said, /outbound-port-exclusion-list="80,http": "http" is not a port/);
});
