import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { succeeded, TestCluster } from './testing/cluster.ts';

/** The unmodified kubectl with pods that run. What needs no pods is tested beside the API server. */
const cluster = new TestCluster();
after(() => cluster.end());

const SERVER = `
const http = require("node:http");
http.createServer((q, r) => r.end("hello from " + process.env.HOSTNAME + q.url)).listen(8080);
console.log("listening");
process.on("SIGTERM", () => process.exit(0));`;
const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: web
        image: web:1
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
        resources: {requests: {cpu: 10m}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
`;
const pod = (name: string, script: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {one: "yes"}}
spec:
  terminationGracePeriodSeconds: 2
  restartPolicy: Never
  containers: [{name: main, image: sh, args: [${JSON.stringify(script)}]}]
`;
const STAY = 'trap "exit 0" TERM; while :; do sleep 0.1; done';
const configMap = (name: string, data: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: ${data}\n`;

before(async () => {
  await cluster.up();
  const node = process.execPath;
  const mount = ['--mount', `${node}:/opt/node/node`];
  for (const version of ['1', '2']) {
    await cluster.osm(['local', 'image', 'add', `web:${version}`, ...mount, '--', '/opt/node/node', '-e', SERVER]);
  }
  assert.equal(await cluster.apply(WEB), 'deployment.apps/web created\nservice/web created\n');
  await cluster.apply(pod('stays', STAY));
  assert.match(await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=30s'), /successfully rolled out/);
  await cluster.ready('pod/stays');
});

test('get: table, wide, yaml, jsonpath, all', async () => {
  assert.match(await cluster.ok('get', 'deploy', 'web'), /\nweb\s+2\/2\s+2\s+2\s+\d+s\n/);
  const wide = await cluster.ok('get', 'pods', '-l', 'app=web', '-o', 'wide');
  assert.match(wide, /^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE/);
  assert.match(wide, /\nweb-\w+-\w+\s+1\/1\s+Running\s+0\s+\d+s\s+198\.19\.\d+\.\d+\s+node-0/);
  assert.match(await cluster.ok('get', 'pod', 'stays', '-o', 'yaml'), /\n {2}phase: Running\n/);
  assert.equal(await cluster.jsonpath('{.spec.containers[*].image}', 'pod', 'stays'), 'sh');
  const all = await cluster.ok('get', 'all');
  for (const line of [/pod\/web-/, /service\/web/, /deployment\.apps\/web/, /replicaset\.apps\/web-/]) {
    assert.match(all, line);
  }
});

test('get -w shows a pod from its making to its end', async () => {
  const watch = cluster.startKubectl('get', 'pods', '-w', '-l', 'one=yes', '--output-watch-events');
  await watch.says(/ADDED\s+stays/);
  await cluster.apply(pod('short', 'exit 0'));
  await watch.says(/MODIFIED\s+short\s+0\/1\s+Completed/);
  await cluster.ok('delete', 'pod', 'short');
  await watch.says(/DELETED\s+short/);
  assert.match(watch.stdout, /ADDED\s+short\s+0\/1\s+Pending/);
  await watch.end();
});

test('describe: pod, deployment, service, node', async () => {
  const stays = await cluster.ok('describe', 'pod', 'stays');
  for (const part of [
    /Status:\s+Running/,
    /IP:\s+198\.19\./,
    /Ready\s+True/,
    /Normal\s+Scheduled/,
    /Normal\s+Started/,
  ]) {
    assert.match(stays, part);
  }
  const web = await cluster.ok('describe', 'deploy', 'web');
  assert.match(web, /2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/);
  assert.match(web, /ScalingReplicaSet/);
  assert.match(
    await cluster.ok('describe', 'svc', 'web'),
    /Endpoints:\s+198\.19\.\d+\.\d+:8080,198\.19\.\d+\.\d+:8080/,
  );
  const node = await cluster.ok('describe', 'node', 'node-0');
  for (const part of [/Ready\s+True/, /Non-terminated Pods:\s+\(3 in total\)/, /cpu\s+20m/]) assert.match(node, part);
});

test('apply: created, unchanged, configured; server-side with conflicts', async () => {
  const first = configMap('applied', '{a: "1", b: "1"}');
  assert.equal(await cluster.apply(first), 'configmap/applied created\n');
  assert.equal(await cluster.apply(first), 'configmap/applied unchanged\n');
  assert.equal(await cluster.apply(configMap('applied', '{a: "2"}')), 'configmap/applied configured\n');
  assert.equal(await cluster.jsonpath('{.data}', 'cm', 'applied'), '{"a":"2"}');
  await cluster.apply(configMap('owned', '{a: "1"}'), '--server-side', '--field-manager=one');
  const second = configMap('owned', '{a: "2"}');
  const refused = await cluster.kubectl(['apply', '--server-side', '--field-manager=two', '-f', '-'], second);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /conflict with "one"[\s\S]*\.data\.a/);
  await cluster.apply(second, '--server-side', '--field-manager=two', '--force-conflicts');
  assert.equal(await cluster.jsonpath('{.data.a}', 'cm', 'owned'), '2');
});

test('patch of three types, edit, label, annotate', async () => {
  await cluster.ok('create', 'configmap', 'changed', '--from-literal=a=1', '--from-literal=b=2');
  await cluster.ok('patch', 'cm', 'changed', '-p', '{"data":{"c":"3"}}');
  await cluster.ok('patch', 'cm', 'changed', '--type=merge', '-p', '{"data":{"a":null}}');
  await cluster.ok('patch', 'cm', 'changed', '--type=json', '-p', '[{"op":"add","path":"/data/d","value":"4"}]');
  const edit = await cluster.command('kubectl', ['edit', 'cm', 'changed'], {
    env: { EDITOR: 'sed -i s/\\"4\\"/\\"5\\"/' },
  });
  assert.equal(succeeded(edit, 'kubectl edit'), 'configmap/changed edited\n');
  assert.equal(await cluster.jsonpath('{.data}', 'cm', 'changed'), '{"b":"2","c":"3","d":"5"}');
  await cluster.ok('label', 'pod', 'stays', 'tier=front');
  assert.match(await cluster.fails('label', 'pod', 'stays', 'tier=back'), /already has a value/);
  await cluster.ok('annotate', 'pod', 'stays', 'note=a note');
  assert.equal(
    await cluster.jsonpath('{.metadata.labels.tier} {.metadata.annotations.note}', 'pod', 'stays'),
    'front a note',
  );
});

test('scale; rollout restart, history, undo, status', async () => {
  await cluster.ok('scale', 'deploy/web', '--replicas=1');
  await cluster.becomes('{.status.replicas}', '1', 'deploy/web');
  await cluster.ok('set', 'image', 'deploy/web', 'web=web:2');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=30s');
  assert.equal(await cluster.jsonpath('{.spec.template.spec.containers[0].image}', 'deploy', 'web'), 'web:2');
  await cluster.ok('rollout', 'restart', 'deploy/web');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=30s');
  assert.match(await cluster.ok('rollout', 'history', 'deploy/web'), /\n1 .*\n2 .*\n3 /);
  await cluster.ok('rollout', 'undo', 'deploy/web', '--to-revision=1');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=30s');
  assert.equal(await cluster.jsonpath('{.spec.template.spec.containers[0].image}', 'deploy', 'web'), 'web:1');
  assert.match(await cluster.ok('rollout', 'history', 'deploy/web'), /\n2 .*\n3 .*\n4 /);
  await cluster.becomes('{.status.replicas}', '1', 'deploy/web');
});

test('logs -f follows and ends; exec: streams, input, exit code, terminal', async () => {
  await cluster.apply(pod('talks', 'echo one; until [ -e /tmp/go ]; do sleep 0.05; done; echo two'));
  await cluster.ready('pod/talks');
  const logs = cluster.startKubectl('logs', '-f', 'talks');
  await logs.says(/one/);
  await cluster.ok('exec', 'talks', '--', 'touch', '/tmp/go');
  assert.deepEqual(await logs.ended, { code: 0, stdout: 'one\ntwo\n', stderr: '' });
  const exec = await cluster.kubectl(['exec', 'stays', '--', 'sh', '-c', 'echo out; echo oops >&2; exit 7']);
  assert.deepEqual([exec.code, exec.stdout], [7, 'out\n']);
  assert.match(exec.stderr, /^oops\n/);
  assert.equal(
    (await cluster.kubectl(['exec', '-i', 'stays', '--', 'wc', '-c'], 'x'.repeat(100_000))).stdout,
    '100000\n',
  );
  const line = 'kubectl exec -it stays -- sh -c "test -t 0 && read word && echo got-\\$word && exit 4"';
  const terminal = await cluster.command('script', ['-qefc', line, '/dev/null'], { input: 'typed\n' });
  assert.match(terminal.stdout, /got-typed/);
  assert.equal(terminal.code, 4);
});

test('port-forward to a service; cp in and out', async () => {
  const forward = cluster.startKubectl('port-forward', 'service/web', ':80');
  const [, port] = await forward.says(/127\.0\.0\.1:(\d+) -> 8080/);
  for (const path of ['/a', '/b']) {
    assert.match(
      await (await fetch(`http://127.0.0.1:${port}${path}`)).text(),
      new RegExp(`^hello from web-.*${path}$`),
    );
  }
  await forward.end();
  const file = join(cluster.directory, 'file');
  writeFileSync(file, 'copied\n');
  await cluster.ok('cp', file, 'stays:/tmp/inside');
  assert.equal(await cluster.ok('exec', 'stays', '--', 'cat', '/tmp/inside'), 'copied\n');
  rmSync(file);
  await cluster.ok('cp', 'stays:/tmp/inside', file);
  assert.equal(readFileSync(file, 'utf8'), 'copied\n');
});

test('delete: waits for the end of the process, in background and foreground, by selector', async () => {
  await cluster.apply(pod('slow', 'trap "sleep 0.5; exit 0" TERM; while :; do sleep 0.1; done'));
  await cluster.ready('pod/slow');
  const gone = cluster.startKubectl('wait', '--for=delete', 'pod/slow', '--timeout=30s');
  await cluster.ok('delete', 'pod', 'slow', '--wait=false');
  assert.match(await cluster.ok('get', 'pod', 'slow'), /slow\s+1\/1\s+Terminating/);
  assert.equal((await gone.ended).code, 0);
  for (const how of ['background', 'foreground']) {
    const name = `gone-${how}`;
    await cluster.ok('create', 'deployment', name, '--image=web:1');
    await cluster.becomes('{.status.readyReplicas}', '1', `deploy/${name}`);
    await cluster.ok('delete', 'deploy', name, `--cascade=${how}`);
    await cluster.ok('wait', '--for=delete', 'pod', '-l', `app=${name}`, '--timeout=30s');
    assert.equal(await cluster.ok('get', 'rs,pods', '-l', `app=${name}`, '-o', 'name'), '');
  }
});
