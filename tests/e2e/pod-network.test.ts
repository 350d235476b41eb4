import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { succeeded, TestCluster, until } from './testing/cluster.ts';
import { run } from './testing/command.ts';
import { pod, STAY, WEB, webImage } from './testing/manifests.ts';

/** Names, addresses and routes as pods see them; jobs, sets, hollow nodes; images from archives. */
const cluster = new TestCluster();
before(async () => {
  await cluster.up('--hollow', '1');
  for (const name of ['web:1', 'node:1']) succeeded(await cluster.osm(webImage(name)), 'image add');
  await cluster.apply(WEB + SET + pod('client', STAY).replace('image: sh', 'image: "node:1", command: [/bin/sh, -c]'));
  await cluster.ready('pod/client');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=60s');
  await cluster.ok('rollout', 'status', 'statefulset/db', '--timeout=60s');
});
after(() => cluster.end());

const SET = `---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: "web:1", readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}]
---`;

const inside = (...command: readonly string[]) => cluster.ok('exec', 'client', '--', ...command);
/** A JavaScript expression, evaluated in the client's pod; what its promise gives, as JSON. */
const evaluate = async (expression: string): Promise<unknown> => {
  const program = `(async () => console.log(JSON.stringify(await (${expression}))))().catch((e) => { console.log(JSON.stringify(e.code ?? e.cause?.code ?? e.message)); })`;
  return JSON.parse(await inside('/opt/node/node', '-e', program));
};

test('services and pods of a set have names; search domains, SRV records, reverse names', async () => {
  assert.match(await evaluate('(await fetch("http://web")).text()').then(String), /^hello from web-/);
  assert.equal(await evaluate('(await fetch("http://db-1.db:8080/x")).text()'), 'hello from db-1/x');
  assert.match(
    await inside('cat', '/etc/resolv.conf'),
    /search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local\n[\s\S]*options ndots:5/,
  );
  const ip = await cluster.jsonpath('{.status.podIP}', 'pod', 'db-0');
  assert.deepEqual(await evaluate('dns.promises.resolve4("db-0.db.default.svc.cluster.local")'), [ip]);
  assert.equal(((await evaluate('dns.promises.resolve4("db.default.svc.cluster.local")')) as string[]).length, 2);
  const records = (await evaluate('dns.promises.resolveSrv("_http._tcp.db.default.svc.cluster.local")')) as {
    name: string;
    port: number;
  }[];
  assert.deepEqual(records.map(({ name, port }) => `${name}:${port}`).sort(), [
    'db-0.db.default.svc.cluster.local:8080',
    'db-1.db.default.svc.cluster.local:8080',
  ]);
  assert.deepEqual(await evaluate(`dns.promises.reverse(${JSON.stringify(ip)})`), [
    'db-0.db.default.svc.cluster.local',
  ]);
  assert.equal(await evaluate('dns.promises.resolve4("nobody.default.svc.cluster.local")'), 'ENOTFOUND');
  assert.match(String(await evaluate('dns.promises.resolve4("example.com")')), /ENOTFOUND|EREFUSED|ESERVFAIL/);
});

test('a set is rolled in order; scaling down takes the last away', async () => {
  await cluster.ok('rollout', 'restart', 'statefulset/db');
  await cluster.ok('rollout', 'status', 'statefulset/db', '--timeout=60s');
  await cluster.ok('scale', 'statefulset/db', '--replicas=1');
  await cluster.ok('wait', '--for=delete', 'pod/db-1', '--timeout=60s');
  assert.match(await cluster.ok('get', 'pods', '-l', 'app=db', '-o', 'name'), /^pod\/db-0\n$/);
});

test('there is no way out of the cluster, and none to the machine', async () => {
  const dial = (host: string, port: number) =>
    evaluate(
      `new Promise((r) => { const s = net.connect({ host: ${JSON.stringify(host)}, port: ${port}, timeout: 2000 }, () => r("connected")); s.on("error", (e) => r(e.code)); s.on("timeout", () => r("timeout")); })`,
    );
  const server = await cluster.ok('config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}');
  const apiPort = Number(new URL(server).port);
  assert.match(String(await dial('203.0.113.1', 80)), /ENETUNREACH|EHOSTUNREACH|ECONNREFUSED/);
  assert.equal(await dial('127.0.0.1', apiPort), 'ECONNREFUSED');
});

test('the API server answers a pod that shows its token, and does what RBAC allows', async () => {
  await cluster.ok('create', 'rolebinding', 'view', '--clusterrole=view', '--serviceaccount=default:default');
  const script = `d=/var/run/secrets/kubernetes.io/serviceaccount; curl --silent --cacert $d/ca.crt -H "Authorization: Bearer $(cat $d/token)" https://kubernetes.default.svc/api/v1/namespaces/$(cat $d/namespace)`;
  const pods = JSON.parse(await inside('sh', '-c', `${script}/pods`));
  assert.ok(pods.items.some((item: { metadata: { name: string } }) => item.metadata.name === 'client'));
  assert.equal(JSON.parse(await inside('sh', '-c', `${script}/secrets`)).code, 403);
});

test('EndpointSlices tell ready, serving and terminating', async () => {
  const conditions = async (selector: string) =>
    JSON.parse(await cluster.ok('get', 'endpointslices', '-l', `kubernetes.io/service-name=${selector}`, '-o', 'json'))
      .items.flatMap((slice: { endpoints?: { conditions: object }[] }) => slice.endpoints ?? [])
      .map((endpoint: { conditions: object }) => endpoint.conditions);
  assert.deepEqual(await conditions('web'), Array(2).fill({ ready: true, serving: true, terminating: false }));
  const slow = pod('slow', 'trap "" TERM; while :; do sleep 0.1; done').replace('Seconds: 2', 'Seconds: 20');
  await cluster.apply(`${slow.replace('one: "yes"', 'app: slow')}---
apiVersion: v1
kind: Service
metadata: {name: slow}
spec: {selector: {app: slow}, ports: [{port: 80}]}
`);
  await cluster.ready('pod/slow');
  await until('slow is an endpoint', async () => (await conditions('slow')).length === 1);
  await cluster.ok('delete', 'pod', 'slow', '--wait=false');
  await until('slow is terminating', async () => (await conditions('slow'))[0]?.terminating === true);
  assert.deepEqual(await conditions('slow'), [{ ready: false, serving: true, terminating: true }]);
  await cluster.ok('delete', 'pod', 'slow', '--grace-period=0', '--force');
  await until('slow is no endpoint', async () => (await conditions('slow')).length === 0);
});

test('jobs run to completion, again after a failure, and fail at their limit', async () => {
  const job = (name: string, script: string) => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  backoffLimit: 1
  completions: 2
  parallelism: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: sh, args: [${JSON.stringify(script)}]}]
---`;
  await cluster.apply(`${job('good', 'echo done')}${job('bad', 'exit 1')}`);
  await cluster.ok('wait', '--for=condition=Complete', 'job/good', '--timeout=60s');
  assert.match(await cluster.ok('get', 'job', 'good'), /good\s+Complete\s+2\/2/);
  await cluster.ok('wait', '--for=condition=Failed', 'job/bad', '--timeout=60s');
  assert.equal(
    await cluster.jsonpath('{.status.conditions[?(@.type=="Failed")].reason}', 'job', 'bad'),
    'BackoffLimitExceeded',
  );
});

test('an image from an archive has its own root, environment, user and command', async () => {
  const directory = join(cluster.directory, 'image');
  mkdirSync(join(directory, 'layer/etc'), { recursive: true });
  mkdirSync(join(directory, 'layer/bin'));
  writeFileSync(join(directory, 'layer/etc/motto'), 'from the archive\n');
  // A program that needs no libraries: the shell of the machine with those it has.
  const tar = (...args: string[]) => run('tar', args, { cwd: directory }).then((outcome) => succeeded(outcome, 'tar'));
  const libraries = (await run('ldd', ['/bin/sh'])).stdout.match(/\/\S+/g) ?? [];
  for (const file of ['/bin/sh', '/bin/cat', ...libraries]) {
    mkdirSync(join(directory, 'layer', file, '..'), { recursive: true });
    writeFileSync(join(directory, 'layer', file), readFileSync(file), { mode: 0o755 });
  }
  await tar('-C', 'layer', '-cf', 'plain.tar', '.');
  const plain = readFileSync(join(directory, 'plain.tar'));
  writeFileSync(join(directory, 'layer.tar'), gzipSync(plain));
  const digest = createHash('sha256').update(plain).digest('hex');
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : 'arm64',
    os: 'linux',
    config: {
      Env: ['GREETING=hello', 'PATH=/bin'],
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['echo default'],
      User: '1234',
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: ['shop/own:1'], Layers: ['layer.tar'] }];
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  await tar('-cf', 'image.tar', 'manifest.json', 'config.json', 'layer.tar');
  const loaded = await cluster.osm(['local', 'image', 'load', join(directory, 'image.tar')]);
  assert.match(succeeded(loaded, 'osm local image load'), /image (docker\.io\/)?shop\/own:1 is loaded/);
  const script =
    'echo $GREETING; cat /etc/motto; { echo x > /tmp-file; } 2>/dev/null || echo no; cat /etc/passwd 2>/dev/null || echo bare';
  await cluster.apply(pod('own', script).replace('image: sh', 'image: "shop/own:1"'));
  await cluster.becomes('{.status.phase}', 'Succeeded', 'pod/own');
  assert.equal(await cluster.ok('logs', 'own'), 'hello\nfrom the archive\nno\nbare\n');
  assert.match((await cluster.osm(['local', 'image', 'list'])).stdout, /shop\/own:1/);
  writeFileSync(join(directory, 'bad.tar'), 'not an archive');
  const bad = await cluster.osm(['local', 'image', 'load', join(directory, 'bad.tar')]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /^osm: .*bad\.tar/);
});

test('a hollow node runs pods without processes, when they ask for it', async () => {
  const selector = 'nodeSelector: {openservicemesh.io/hollow-node: "true"}\n  restartPolicy';
  await cluster.apply(
    pod('hollow', 'exit 1').replace('restartPolicy', selector).replace('image: sh', 'image: nowhere'),
  );
  await cluster.ready('pod/hollow');
  assert.match(await cluster.ok('get', 'nodes', '-l', 'openservicemesh.io/hollow-node=true'), /Ready/);
  assert.notEqual(await cluster.jsonpath('{.spec.nodeName}', 'pod', 'hollow'), 'node-0');
  await cluster.ok('delete', 'pod', 'hollow');
});
