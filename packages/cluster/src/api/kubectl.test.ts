import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, type Outcome } from './testing/bench.ts';

/** The unmodified kubectl against the API server: every command that the project's users are promised. */
let bench: Bench;

before(async () => {
  bench = await new Bench().start();
  await ok(['create', 'serviceaccount', 'default']);
});

after(() => bench.remove());

const ok = async (args: readonly string[], input = ''): Promise<string> => {
  const outcome = await bench.kubectl(args, input);
  assert.equal(outcome.code, 0, `kubectl ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
  return outcome.stdout;
};

const fails = async (args: readonly string[], input = ''): Promise<Outcome> => {
  const outcome = await bench.kubectl(args, input);
  assert.notEqual(outcome.code, 0, `kubectl ${args.join(' ')} should fail: ${outcome.stdout}`);
  return outcome;
};

const get = async (...args: readonly string[]) => JSON.parse(await ok(['get', ...args, '-o', 'json']));

const deployment = (name: string, extra = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
      - {name: main, image: "nginx:1", ports: [{containerPort: 80}]}
${extra}`;

test('kubectl version and api-resources know the server', async () => {
  const version = JSON.parse(await ok(['version', '-o', 'json']));
  assert.match(version.serverVersion.gitVersion, /^v1\.3\d\.\d+\+osm$/);
  const resources = await ok(['api-resources']);
  for (const line of [/^pods\s+po\s+v1\s+true\s+Pod$/m, /^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m])
    assert.match(resources, line);
  assert.match(await ok(['api-versions']), /^apps\/v1$/m);
});

test('kubectl get shows tables with short names, categories and wide columns', async () => {
  await ok(['apply', '-f', '-'], deployment('table'));
  assert.match(
    await ok(['get', 'deploy', 'table']),
    /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\ntable\s+0\/2\s+0\s+0\s+\d+s\n$/,
  );
  assert.match(
    await ok(['get', 'deploy', 'table', '-o', 'wide']),
    /CONTAINERS\s+IMAGES\s+SELECTOR\n.*main\s+nginx:1\s+app=table/,
  );
  assert.match(await ok(['get', 'all']), /deployment\.apps\/table/);
  assert.match(await ok(['get', 'ns']), /^NAME\s+STATUS\s+AGE\ndefault\s+Active/);
  assert.match(await ok(['get', 'svc', '-A']), /default\s+kubernetes\s+ClusterIP\s+198\.18\.0\.1\s+<none>\s+443\/TCP/);
  assert.match(await ok(['get', 'deploy', '-l', 'app=none']), /^$/);
  assert.match(await ok(['get', 'deploy', '--show-labels']), /LABELS\n.*app=table/);
  assert.match(
    await ok(['get', 'deploy', 'table', '-o', 'custom-columns=N:.metadata.name,R:.spec.replicas']),
    /table\s+2/,
  );
  assert.equal(await ok(['get', 'deploy', '-o', 'name']), 'deployment.apps/table\n');
});

test('apply creates, leaves alone, changes and removes fields', async () => {
  const manifest = deployment('applied');
  assert.match(await ok(['apply', '-f', '-'], manifest), /created/);
  assert.match(await ok(['apply', '-f', '-'], manifest), /unchanged/);
  const more = manifest
    .replace('replicas: 2', 'replicas: 3')
    .replace('labels: {app: applied}}', 'labels: {app: applied, tier: x}}');
  assert.match(await ok(['apply', '-f', '-'], more), /configured/);
  const changed = await get('deploy', 'applied');
  assert.equal(changed.spec.replicas, 3);
  assert.equal(changed.metadata.generation, 2);
  assert.match(await ok(['apply', '-f', '-'], manifest), /configured/);
  assert.deepEqual((await get('deploy', 'applied')).metadata.labels, { app: 'applied' });
});

test('apply merges lists by their keys (strategic merge)', async () => {
  await ok(['apply', '-f', '-'], deployment('lists'));
  await ok([
    'patch',
    'deploy',
    'lists',
    '-p',
    '{"spec":{"template":{"spec":{"containers":[{"name":"second","image":"busybox"}]}}}}',
  ]);
  const { containers } = (await get('deploy', 'lists')).spec.template.spec;
  assert.deepEqual(containers.map((item: { name: string }) => item.name).sort(), ['main', 'second']);
});

test('server-side apply keeps owners apart and reports conflicts', async () => {
  const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {a: "1", b: "1"}\n';
  assert.match(await ok(['apply', '--server-side', '-f', '-'], manifest), /serverside-applied/);
  const other = manifest.replace('a: "1", b: "1"', 'a: "2"');
  const conflict = await fails(['apply', '--server-side', '--field-manager=other', '-f', '-'], other);
  assert.match(conflict.stderr, /conflict with "kubectl"/);
  assert.match(conflict.stderr, /\.data\.a/);
  await ok(['apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', '-'], other);
  assert.deepEqual((await get('cm', 'owned')).data, { a: '2', b: '1' });
  // A field that nobody applies any more goes.
  await ok(
    ['apply', '--server-side', '-f', '-'],
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {}\n',
  );
  assert.deepEqual((await get('cm', 'owned')).data, { a: '2' });
});

test('patch of every type', async () => {
  await ok(['create', 'configmap', 'patched', '--from-literal=a=1', '--from-literal=b=2']);
  await ok(['patch', 'cm', 'patched', '-p', '{"data":{"c":"3"}}']);
  await ok(['patch', 'cm', 'patched', '--type=merge', '-p', '{"data":{"a":null}}']);
  await ok(['patch', 'cm', 'patched', '--type=json', '-p', '[{"op":"replace","path":"/data/b","value":"4"}]']);
  assert.deepEqual((await get('cm', 'patched')).data, { b: '4', c: '3' });
  await fails(['patch', 'cm', 'patched', '--type=json', '-p', '[{"op":"remove","path":"/data/none"}]']);
  await ok(['apply', '-f', '-'], deployment('status'));
  await ok([
    'patch',
    'deploy',
    'status',
    '--subresource=status',
    '--type=merge',
    '-p',
    '{"status":{"replicas":1},"spec":{"replicas":9}}',
  ]);
  const { spec, status, metadata } = await get('deploy', 'status');
  assert.deepEqual([spec.replicas, status.replicas, metadata.generation], [2, 1, 1]);
});

test('edit, label, annotate, scale, set image, rollout restart', async () => {
  await ok(['apply', '-f', '-'], deployment('changed'));
  await ok(['label', 'deploy', 'changed', 'a=b']);
  await fails(['label', 'deploy', 'changed', 'a=c']);
  await ok(['label', 'deploy', 'changed', 'a=c', '--overwrite']);
  await ok(['label', 'deploy', 'changed', 'app-']);
  await ok(['annotate', 'deploy', 'changed', 'note=x y']);
  await ok(['scale', 'deploy', 'changed', '--replicas=5']);
  assert.match((await fails(['scale', 'deploy', 'changed', '--current-replicas=4', '--replicas=1'])).stderr, /5/);
  await ok(['set', 'image', 'deploy/changed', 'main=nginx:2']);
  await ok(['rollout', 'restart', 'deploy/changed']);
  const { metadata, spec } = await get('deploy', 'changed');
  assert.deepEqual(metadata.labels, { a: 'c' });
  assert.equal(metadata.annotations.note, 'x y');
  assert.equal(spec.replicas, 5);
  assert.equal(spec.template.spec.containers[0].image, 'nginx:2');
  assert.ok(spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt']);
  const edited = await bench.kubectl(['edit', 'deploy', 'changed'], '', {
    KUBE_EDITOR: 'sed -i s/replicas:.5/replicas:\\ 6/',
  });
  assert.equal(edited.code, 0, edited.stderr);
  assert.equal((await get('deploy', 'changed')).spec.replicas, 6);
});

test('rollout status and wait follow the status', async () => {
  await ok(['apply', '-f', '-'], deployment('rolled'));
  const { metadata } = await get('deploy', 'rolled');
  const status = {
    observedGeneration: metadata.generation,
    replicas: 2,
    updatedReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    conditions: [
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'there are enough' },
    ],
  };
  const following = bench.kubectl(['rollout', 'status', 'deploy/rolled', '--timeout=30s']);
  const waiting = bench.kubectl(['wait', '--for=condition=Available', 'deploy/rolled', '--timeout=30s']);
  const gone = bench.kubectl(['wait', '--for=delete', 'deploy/rolled', '--timeout=30s']);
  await ok(['patch', 'deploy', 'rolled', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
  assert.match((await following).stdout, /successfully rolled out/);
  assert.match((await waiting).stdout, /condition met/);
  await ok(['delete', 'deploy', 'rolled']);
  assert.equal((await gone).code, 0);
});

test('delete waits for finalizers, and takes selectors', async () => {
  await ok(['create', 'configmap', 'kept']);
  await ok(['patch', 'cm', 'kept', '--type=merge', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}']);
  const deletion = bench.kubectl(['delete', 'cm', 'kept', '--timeout=30s']);
  await bench.until(async () => (await get('cm', 'kept')).metadata.deletionTimestamp !== undefined);
  assert.match(
    (
      await fails([
        'patch',
        'cm',
        'kept',
        '--type=merge',
        '-p',
        '{"metadata":{"finalizers":["example.com/hold","b.com/c"]}}',
      ])
    ).stderr,
    /no new finalizers/,
  );
  await ok(['patch', 'cm', 'kept', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  assert.equal((await deletion).code, 0);
  await ok(['create', 'configmap', 'one']);
  await ok(['create', 'configmap', 'two']);
  await ok(['label', 'cm', 'one', 'two', 'batch=x']);
  assert.equal((await ok(['delete', 'cm', '-l', 'batch=x', '-o', 'name'])).trim().split('\n').length, 2);
});

test('describe of the common kinds', async () => {
  await ok(['apply', '-f', '-'], deployment('described'));
  const text = await ok(['describe', 'deploy', 'described']);
  assert.match(text, /StrategyType:\s+RollingUpdate/);
  assert.match(text, /Port:\s+80\/TCP/);
  await ok(['expose', 'deploy', 'described', '--port=80']);
  assert.match(await ok(['describe', 'svc', 'described']), /IP:\s+198\.18\./);
  await ok(['describe', 'ns', 'default']);
  await ok(['describe', 'sa', 'default']);
  await ok(['describe', 'clusterrole', 'view']);
});

test('unknown fields are refused, warned of, or dropped, as asked', async () => {
  const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndatta: {a: b}\n';
  assert.match((await fails(['apply', '-f', '-'], manifest)).stderr, /unknown field "datta"/);
  const warned = await bench.kubectl(['apply', '--validate=warn', '-f', '-'], manifest);
  assert.equal(warned.code, 0);
  assert.match(warned.stderr, /Warning: unknown field "datta"/);
  assert.equal((await get('cm', 'odd')).datta, undefined);
});

test('invalid objects are refused with the field that is wrong', async () => {
  const wrong = deployment('wrong').replace(
    'selector: {matchLabels: {app: wrong}}',
    'selector: {matchLabels: {app: other}}',
  );
  assert.match((await fails(['apply', '-f', '-'], wrong)).stderr, /spec\.template\.metadata\.labels/);
  assert.match((await fails(['create', 'configmap', 'Not_A_Name'])).stderr, /RFC 1123/);
  assert.match((await fails(['create', 'configmap', 'x', '-n', 'nowhere'])).stderr, /namespaces "nowhere" not found/);
  assert.match((await fails(['get', 'pod', 'none'])).stderr, /pods "none" not found/);
  assert.match(
    (await fails(['apply', '-f', '-'], 'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n')).stderr,
    /no matches for kind "Thing"/,
  );
});

test('dry run changes nothing', async () => {
  assert.match(await ok(['apply', '--dry-run=server', '-f', '-'], deployment('dry')), /created \(server dry run\)/);
  await fails(['get', 'deploy', 'dry']);
  await ok(['apply', '-f', '-'], deployment('dry'));
  await ok(['delete', 'deploy', 'dry', '--dry-run=server']);
  await ok(['get', 'deploy', 'dry']);
  assert.match(
    (await bench.kubectl(['diff', '-f', '-'], deployment('dry').replace('replicas: 2', 'replicas: 7'))).stdout,
    /replicas: 7/,
  );
});

test('explain reads the schema', async () => {
  const text = await ok(['explain', 'pod.spec.containers']);
  assert.match(text, /FIELD: containers <\[\]Container>/);
  assert.match(text, /image\s+<string>/);
});

test('auth can-i, whoami and impersonation', async () => {
  await ok(['create', 'serviceaccount', 'reader']);
  await ok(['create', 'role', 'pod-reader', '--verb=get,list,watch', '--resource=pods']);
  await ok(['create', 'rolebinding', 'readers', '--role=pod-reader', '--serviceaccount=default:reader']);
  const as = '--as=system:serviceaccount:default:reader';
  assert.equal(await ok(['auth', 'can-i', 'list', 'pods', as]), 'yes\n');
  assert.equal((await fails(['auth', 'can-i', 'delete', 'pods', as])).stdout, 'no\n');
  assert.match(
    (await fails(['get', 'secrets', as])).stderr,
    /secrets is forbidden: User "system:serviceaccount:default:reader" cannot list resource "secrets" in API group "" in the namespace "default"/,
  );
  assert.match(await ok(['auth', 'can-i', '--list', as]), /pods\s+\[\]\s+\[\]\s+\[get list watch\]/);
  assert.match(await ok(['auth', 'whoami', as]), /system:serviceaccounts:default/);
});

test('tokens of service accounts authenticate', async () => {
  await ok(['create', 'serviceaccount', 'robot']);
  await ok(['create', 'clusterrolebinding', 'robot-view', '--clusterrole=view', '--serviceaccount=default:robot']);
  const token = (await ok(['create', 'token', 'robot'])).trim();
  const bearer = { headers: { authorization: `Bearer ${token}` }, user: 'anonymous' as const };
  assert.equal((await bench.ask('/api/v1/namespaces/default/pods', bearer)).status, 200);
  assert.equal((await bench.ask('/api/v1/namespaces/default/secrets', bearer)).status, 403);
  await ok(['delete', 'serviceaccount', 'robot']);
  assert.equal((await bench.ask('/api/v1/namespaces/default/pods', bearer)).status, 401);
});

test('get -w shows changes as they come', async () => {
  const watch = bench.spawnKubectl(['get', 'cm', '-w', '-l', 'watched=yes']);
  await ok(['create', 'configmap', 'seen']);
  await ok(['label', 'cm', 'seen', 'watched=yes']);
  await bench.until(async () => /seen\s+0/.test(watch.stdout()));
  await ok(['patch', 'cm', 'seen', '-p', '{"data":{"a":"b"}}']);
  await bench.until(async () => /seen\s+1/.test(watch.stdout()));
  watch.kill();
});

test('events are listed in both groups and show up in describe', async () => {
  const { metadata } = await get('sa', 'default');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'something', namespace: 'default' },
    involvedObject: {
      kind: 'ServiceAccount',
      namespace: 'default',
      name: 'default',
      uid: metadata.uid,
      apiVersion: 'v1',
    },
    reason: 'Happened',
    message: 'something happened',
    type: 'Normal',
    source: { component: 'test' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
  };
  await ok(['create', '-f', '-'], JSON.stringify(event));
  assert.match(await ok(['get', 'events']), /Normal\s+Happened\s+serviceaccount\/default\s+something happened/);
  assert.match(await ok(['get', 'events.events.k8s.io']), /Happened\s+serviceaccount\/default\s+something happened/);
  assert.match(await ok(['events', '--for=serviceaccount/default']), /something happened/);
  assert.match(await ok(['describe', 'sa', 'default']), /Happened.*something happened/);
});

test('namespaces are emptied by their controller, then go by finalize', async () => {
  await ok(['create', 'namespace', 'short']);
  await ok(['delete', 'namespace', 'short', '--wait=false']);
  assert.match(await ok(['get', 'ns', 'short']), /short\s+Terminating/);
  assert.match((await fails(['create', 'configmap', 'late', '-n', 'short'])).stderr, /because it is being terminated/);
  const { metadata, spec, ...namespace } = await get('ns', 'short');
  const body = { ...namespace, metadata, spec: { ...spec, finalizers: [] } };
  assert.equal((await bench.ask('/api/v1/namespaces/short/finalize', { method: 'PUT', body })).status, 200);
  await fails(['get', 'ns', 'short']);
  assert.match((await fails(['delete', 'ns', 'default'])).stderr, /may not be deleted/);
});
