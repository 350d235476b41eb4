import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { succeeded, TestCluster } from './testing/cluster.ts';
import { boat, configMap, DEFINITION, pod, STAY, WEB, webImage } from './testing/manifests.ts';

/** The unmodified kubectl with pods that run. What needs no pods is tested beside the API server. */
const cluster = new TestCluster();
after(() => cluster.end());

before(async () => {
  await cluster.up();
  for (const name of ['web:1', 'web:2']) await cluster.osm(webImage(name));
  assert.equal(await cluster.apply(WEB), 'deployment.apps/web created\nservice/web created\n');
  await cluster.apply(pod('stays', STAY));
  assert.match(await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=60s'), /successfully rolled out/);
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
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=60s');
  assert.equal(await cluster.jsonpath('{.spec.template.spec.containers[0].image}', 'deploy', 'web'), 'web:2');
  await cluster.ok('rollout', 'restart', 'deploy/web');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=60s');
  assert.match(await cluster.ok('rollout', 'history', 'deploy/web'), /\n1 .*\n2 .*\n3 /);
  await cluster.ok('rollout', 'undo', 'deploy/web', '--to-revision=1');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=60s');
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
  const gone = cluster.startKubectl('wait', '--for=delete', 'pod/slow', '--timeout=60s');
  await cluster.ok('delete', 'pod', 'slow', '--wait=false');
  assert.match(await cluster.ok('get', 'pod', 'slow'), /slow\s+1\/1\s+Terminating/);
  assert.equal((await gone.ended).code, 0);
  for (const how of ['background', 'foreground']) {
    const name = `gone-${how}`;
    await cluster.ok('create', 'deployment', name, '--image=web:1');
    await cluster.becomes('{.status.readyReplicas}', '1', `deploy/${name}`);
    await cluster.ok('delete', 'deploy', name, `--cascade=${how}`);
    await cluster.ok('wait', '--for=delete', 'pod', '-l', `app=${name}`, '--timeout=60s');
    assert.equal(await cluster.ok('get', 'rs,pods', '-l', `app=${name}`, '-o', 'name'), '');
  }
});

test('explain and api-resources know kinds built in and defined; top says that there is no metrics API', async () => {
  await cluster.apply(DEFINITION);
  await cluster.ok('wait', '--for=condition=Established', 'crd/boats.example.com', '--timeout=10s');
  assert.match(await cluster.ok('explain', 'pod.spec.containers.image'), /FIELD: image <string>/);
  assert.match(await cluster.ok('explain', 'boat.spec.crew'), /FIELD: crew <integer>[\s\S]*How many sail her\./);
  assert.match(await cluster.ok('api-resources'), /\nboats\s+bo\s+example\.com\/v1\s+true\s+Boat\n/);
  await cluster.apply(boat('{crew: 3}'));
  assert.match(await cluster.ok('get', 'bo'), /^NAME\s+CREW\njolie\s+3\n$/);
  const wrong = await cluster.kubectl(['apply', '-f', '-'], boat('{crew: 0}'));
  assert.match(wrong.stderr, /spec\.crew: Invalid value: 0: spec\.crew in body should be greater than or equal to 1/);
  for (const what of ['pods', 'nodes']) assert.match(await cluster.fails('top', what), /Metrics API not available/);
  await cluster.ok('delete', 'crd', 'boats.example.com');
  assert.match(
    await cluster.fails('get', 'boats'),
    /could not find the requested resource|doesn't have a resource type/,
  );
});

test('auth can-i for a service account; its token is refused what it may not', async () => {
  await cluster.ok('create', 'serviceaccount', 'reader');
  await cluster.ok('create', 'role', 'reads', '--verb=get,list', '--resource=pods');
  await cluster.ok('create', 'rolebinding', 'reads', '--role=reads', '--serviceaccount=default:reader');
  const as = '--as=system:serviceaccount:default:reader';
  assert.equal(await cluster.ok('auth', 'can-i', 'list', 'pods', as), 'yes\n');
  assert.equal((await cluster.kubectl(['auth', 'can-i', 'delete', 'pods', as])).stdout, 'no\n');
  const token = (await cluster.ok('create', 'token', 'reader', '--duration=10m')).trim();
  const config = JSON.parse(await cluster.ok('config', 'view', '--raw', '-o', 'json'));
  const file = join(cluster.directory, 'reader.kubeconfig');
  writeFileSync(file, JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { token } }] }));
  const reader = (...args: string[]) => cluster.kubectl([`--kubeconfig=${file}`, ...args]);
  assert.match(succeeded(await reader('get', 'pods'), 'get pods'), /stays/);
  const refused = await reader('delete', 'pod', 'stays');
  assert.match(refused.stderr, /pods "stays" is forbidden: User "system:serviceaccount:default:reader" cannot delete/);
});

test('events tell what became of a pod; field selectors; pages', async () => {
  assert.match(await cluster.ok('events', '--for=pod/stays'), /Normal\s+Scheduled[\s\S]*Normal\s+Started/);
  const byObject = ['--field-selector', 'involvedObject.name=stays,reason=Started'];
  assert.match(
    await cluster.ok('get', 'events', ...byObject),
    /^LAST SEEN.*\n\S+\s+Normal\s+Started\s+pod\/stays.*\n$/,
  );
  const running = await cluster.ok(
    'get',
    'pods',
    '--field-selector',
    'status.phase=Running,spec.nodeName=node-0',
    '-o',
    'name',
  );
  assert.match(running, /^pod\/stays$/m);
  assert.doesNotMatch(running, /talks/);
  assert.match(await cluster.fails('get', 'pods', '--field-selector', 'bogus=1'), /field label not supported: bogus/);
  const pages = await cluster.kubectl(['get', 'pods', '--chunk-size=1', '-v=8', '-o', 'name']);
  assert.ok((pages.stderr.match(/continue=/g) ?? []).length >= 2, 'asks for page after page');
  assert.equal(pages.stdout, await cluster.ok('get', 'pods', '-o', 'name'));
});

test('a stale object is a conflict, an unknown version is gone, a dry run changes nothing', async () => {
  await cluster.ok('create', 'configmap', 'stale');
  const old = await cluster.ok('get', 'cm', 'stale', '-o', 'json');
  await cluster.ok('label', 'cm', 'stale', 'a=b');
  const replaced = await cluster.kubectl(['replace', '-f', '-'], old);
  assert.equal(replaced.code, 1);
  assert.match(
    replaced.stderr,
    /\(Conflict\).*the object has been modified; please apply your changes to the latest version/,
  );
  const watch = '/api/v1/configmaps?watch=1&resourceVersion=99999999';
  assert.match(await cluster.fails('get', '--raw', watch), /\(Expired\)/);
  assert.equal(await cluster.apply(pod('dry', STAY), '--dry-run=server'), 'pod/dry created (server dry run)\n');
  assert.match(await cluster.fails('get', 'pod', 'dry'), /pods "dry" not found/);
  await cluster.ok('delete', 'pod', 'stays', '--dry-run=server');
  assert.equal(await cluster.jsonpath('{.metadata.deletionTimestamp}', 'pod', 'stays'), '');
});

test('cordon keeps pods away, drain moves them out as budgets allow, uncordon lets them in', async () => {
  await cluster.apply(
    'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n',
  );
  await cluster.becomes('{.status.currentHealthy}', '1', 'pdb/web');
  await cluster.ok('cordon', 'node-0');
  assert.match(await cluster.ok('get', 'node', 'node-0'), /Ready,SchedulingDisabled/);
  assert.match(await cluster.fails('drain', 'node-0'), /declare no controller[\s\S]*stays/);
  const held = await cluster.kubectl(['drain', 'node-0', '--force', '--timeout=1s']);
  assert.equal(held.code, 1);
  assert.match(held.stdout + held.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  await cluster.ok('delete', 'pdb', 'web');
  assert.match(await cluster.ok('drain', 'node-0', '--force'), /node\/node-0 drained/);
  await cluster.ok('wait', '--for=condition=PodScheduled=false', 'pod', '-l', 'app=web', '--timeout=10s');
  await cluster.ok('uncordon', 'node-0');
  await cluster.ok('rollout', 'status', 'deploy/web', '--timeout=60s');
});
