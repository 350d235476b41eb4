import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { StateFile, StoreUnavailable } from '../store/persistence.ts';
import { Bench } from './testing/bench.ts';

let bench: Bench;

before(async () => {
  bench = await new Bench().start();
});

after(() => bench.remove());

const MAPS = '/api/v1/namespaces/default/configmaps';

const create = (name: string, extra: object = {}) =>
  bench.ask(MAPS, { method: 'POST', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...extra } });

const merge = (path: string, body: object) =>
  bench.ask(path, { method: 'PATCH', body, headers: { 'content-type': 'application/merge-patch+json' } });

test('create sets what only the server may say', async () => {
  const { status, json } = await create('created', {
    metadata: {
      name: 'created',
      uid: 'mine',
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
    },
  });
  assert.equal(status, 201);
  assert.notEqual(json.metadata.uid, 'mine');
  assert.match(json.metadata.creationTimestamp, /^20[2-9]\d-.*:\d\dZ$/);
  assert.equal(json.metadata.deletionTimestamp, undefined);
  assert.equal(json.metadata.namespace, 'default');
  const again = await create('created');
  assert.equal(again.status, 409);
  assert.deepEqual([again.json.reason, again.json.message], ['AlreadyExists', 'configmaps "created" already exists']);
});

test('generateName gives each object a name of its own', async () => {
  const body = { metadata: { generateName: 'gen-' } };
  const names = await Promise.all(
    [1, 2, 3].map(async () => (await bench.ask(MAPS, { method: 'POST', body })).json.metadata.name),
  );
  assert.equal(new Set(names).size, 3);
  for (const name of names) assert.match(name, /^gen-[b-df-hj-np-tv-z24-9]{5}$/);
});

test('an update on an old revision is a conflict, in the words clients look for', async () => {
  const { json: first } = await create('locked');
  const second = await bench.ask(`${MAPS}/locked`, { method: 'PUT', body: { ...first, data: { a: '1' } } });
  assert.equal(second.status, 200);
  const third = await bench.ask(`${MAPS}/locked`, { method: 'PUT', body: { ...first, data: { a: '2' } } });
  assert.equal(third.status, 409);
  assert.equal(
    third.json.message,
    'Operation cannot be fulfilled on configmaps "locked": the object has been modified; please apply your changes to the latest version and try again',
  );
  const unlocked = { ...first, metadata: { name: 'locked' }, data: { a: '3' } };
  assert.equal((await bench.ask(`${MAPS}/locked`, { method: 'PUT', body: unlocked })).status, 200);
});

test('a write that changes nothing is none', async () => {
  const { json } = await create('same', { data: { a: '1' } });
  const again = await bench.ask(`${MAPS}/same`, { method: 'PUT', body: json });
  assert.equal(again.json.metadata.resourceVersion, json.metadata.resourceVersion);
  const patched = await merge(`${MAPS}/same`, { data: { a: '1' } });
  assert.equal(patched.json.metadata.resourceVersion, json.metadata.resourceVersion);
});

test('patches that run at once all take effect', async () => {
  await create('raced');
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  const answers = await Promise.all(keys.map((key) => merge(`${MAPS}/raced`, { data: { [key]: 'x' } })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.deepEqual(Object.keys((await bench.ask(`${MAPS}/raced`)).json.data).sort(), keys.sort());
});

test('a patch with an old revision is a conflict', async () => {
  const { json } = await create('patch-locked');
  await merge(`${MAPS}/patch-locked`, { data: { a: '1' } });
  const { resourceVersion } = json.metadata;
  assert.equal((await merge(`${MAPS}/patch-locked`, { metadata: { resourceVersion }, data: { a: '2' } })).status, 409);
});

test('deletes honour preconditions and dry run', async () => {
  const { json } = await create('doomed');
  const remove = (body: object) => bench.ask(`${MAPS}/doomed`, { method: 'DELETE', body });
  assert.equal((await remove({ preconditions: { uid: 'other' } })).status, 409);
  assert.equal((await remove({ preconditions: { resourceVersion: '1' } })).status, 409);
  assert.equal((await remove({ dryRun: ['All'] })).status, 200);
  const done = await remove({ preconditions: { uid: json.metadata.uid } });
  assert.deepEqual([done.status, done.json.status, done.json.details.name], [200, 'Success', 'doomed']);
  assert.equal((await remove({})).status, 404);
});

test('propagation policies leave their finalizers for the garbage collector', async () => {
  for (const [policy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const) {
    const name = `policy-${policy.toLowerCase()}`;
    await create(name);
    const { json } = await bench.ask(`${MAPS}/${name}`, { method: 'DELETE', body: { propagationPolicy: policy } });
    assert.deepEqual(json.metadata.finalizers, [finalizer]);
    assert.ok(json.metadata.deletionTimestamp);
    await merge(`${MAPS}/${name}`, { metadata: { finalizers: null } });
    assert.equal((await bench.ask(`${MAPS}/${name}`)).status, 404);
  }
});

test('lists come in pages of one revision, whatever is written meanwhile', async () => {
  await bench.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'paged' } } });
  const path = '/api/v1/namespaces/paged/configmaps';
  const names = Array.from({ length: 7 }, (_, index) => `item-${index}`);
  for (const name of names) await bench.ask(path, { method: 'POST', body: { metadata: { name } } });
  const first = (await bench.ask(`${path}?limit=3`)).json;
  assert.deepEqual([first.items.length, first.metadata.remainingItemCount], [3, 4]);
  await bench.ask(path, { method: 'POST', body: { metadata: { name: 'item-00' } } });
  await bench.ask(`${path}/item-6`, { method: 'DELETE' });
  const second = (await bench.ask(`${path}?limit=3&continue=${first.metadata.continue}`)).json;
  const third = (await bench.ask(`${path}?limit=3&continue=${second.metadata.continue}`)).json;
  const seen = [first, second, third].flatMap(({ items }) =>
    items.map((item: { metadata: { name: string } }) => item.metadata.name),
  );
  assert.deepEqual(seen, names);
  assert.equal(third.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal((await bench.ask(`${path}?limit=3&continue=nonsense`)).status, 400);
  const other = Buffer.from(JSON.stringify({ v: 1, id: '999-1', offset: 3 })).toString('base64url');
  const lost = await bench.ask(`${path}?limit=3&continue=${other}`);
  assert.deepEqual([lost.status, lost.json.reason], [410, 'Expired']);
});

test('a list of a future revision is not answered with the present', async () => {
  const { status, json } = await bench.ask(`${MAPS}?resourceVersion=99999999`);
  assert.deepEqual([status, json.reason], [504, 'Timeout']);
});

test('deletecollection takes a selector', async () => {
  await create('many-1', { metadata: { name: 'many-1', labels: { many: 'yes' } } });
  await create('many-2', { metadata: { name: 'many-2', labels: { many: 'yes' } } });
  await create('few');
  assert.equal((await bench.ask(`${MAPS}?labelSelector=many%3Dyes`, { method: 'DELETE' })).status, 200);
  assert.equal((await bench.ask(`${MAPS}/many-1`)).status, 404);
  assert.equal((await bench.ask(`${MAPS}/few`)).status, 200);
});

test('objects come as tables, as metadata, or as they are', async () => {
  await create('formed', { data: { a: '1' } });
  const as = (accept: string, path = `${MAPS}/formed`) => bench.ask(path, { headers: { accept } });
  const table = (await as('application/json;as=Table;v=v1;g=meta.k8s.io,application/json')).json;
  assert.deepEqual(table.rows[0].cells.slice(0, 2), ['formed', 1]);
  assert.equal(table.rows[0].object.kind, 'PartialObjectMetadata');
  const list = (await as('application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', MAPS)).json;
  assert.equal(list.kind, 'PartialObjectMetadataList');
  assert.equal(list.items[0].data, undefined);
  assert.equal((await as('application/vnd.kubernetes.protobuf,application/json')).json.kind, 'ConfigMap');
  assert.equal((await as('application/vnd.kubernetes.protobuf')).status, 406);
  assert.equal((await as('application/json;as=Table;v=v9;g=meta.k8s.io')).status, 406);
});

test('long answers are compressed for those who take it', async () => {
  await create('long', { data: { a: 'x'.repeat(300_000) } });
  const plain = await bench.ask(`${MAPS}/long`);
  assert.equal(plain.headers['content-encoding'], undefined);
  const { status, headers, bytes } = await bench.askBytes(`${MAPS}/long`, { 'accept-encoding': 'gzip' });
  assert.deepEqual([status, headers['content-encoding']], [200, 'gzip']);
  assert.ok(bytes.length < 20_000);
  assert.equal(gunzipSync(bytes).toString(), plain.text);
});

test('bodies that are too large, broken or of an unknown type are refused', async () => {
  const big = await create('big', { data: { a: 'x'.repeat(4 * 1024 * 1024) } });
  assert.deepEqual([big.status, big.json.reason], [413, 'RequestEntityTooLarge']);
  const broken = await bench.ask(MAPS, { method: 'POST', body: '{"a":' });
  assert.deepEqual([broken.status, broken.json.reason], [400, 'BadRequest']);
  const typed = await bench.ask(MAPS, { method: 'POST', body: 'x', headers: { 'content-type': 'application/xml' } });
  assert.deepEqual([typed.status, typed.json.reason], [415, 'UnsupportedMediaType']);
  const kind = await bench.ask(MAPS, {
    method: 'POST',
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } },
  });
  assert.match(kind.json.message, /cannot be handled as a ConfigMap/);
  const elsewhere = await bench.ask(MAPS, {
    method: 'POST',
    body: { metadata: { name: 'x', namespace: 'kube-system' } },
  });
  assert.match(elsewhere.json.message, /namespace/);
  const yaml = 'metadata: {name: from-yaml}\ndata: {a: b}\n';
  assert.equal(
    (await bench.ask(MAPS, { method: 'POST', body: yaml, headers: { 'content-type': 'application/yaml' } })).status,
    201,
  );
});

test('paths and methods that are not served say so', async () => {
  assert.equal((await bench.ask('/api/v1/namespaces/default/replicationcontrollers')).status, 404);
  assert.equal((await bench.ask('/apis/example.com/v1/things')).json.kind, 'Status');
  assert.equal((await bench.ask(`${MAPS}/x/status`)).status, 404);
  assert.equal((await bench.ask(MAPS, { method: 'PUT', body: {} })).status, 405);
  assert.equal((await bench.ask('/nothing')).status, 404);
  assert.equal((await bench.ask('/version', { method: 'POST' })).status, 405);
  assert.equal((await bench.ask('/api/v1/nodes/%E0%A4%A')).status, 404);
});

test('one state is served in both versions of a kind', async () => {
  const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    maxReplicas: 5,
    targetCPUUtilizationPercentage: 70,
  };
  assert.equal(
    (await bench.ask(path('v1'), { method: 'POST', body: { metadata: { name: 'web' }, spec } })).status,
    201,
  );
  const two = (await bench.ask(`${path('v2')}/web`)).json;
  assert.equal(two.apiVersion, 'autoscaling/v2');
  assert.equal(two.spec.metrics[0].resource.target.averageUtilization, 70);
  const one = (await bench.ask(`${path('v1')}/web`)).json;
  assert.deepEqual([one.apiVersion, one.spec.targetCPUUtilizationPercentage], ['autoscaling/v1', 70]);
});

test('the state is there again after a restart', async () => {
  const { json } = await create('lasting', { data: { a: '1' } });
  await bench.stop();
  await bench.start();
  const again = (await bench.ask(`${MAPS}/lasting`)).json;
  assert.deepEqual(again, json);
  const later = (await merge(`${MAPS}/lasting`, { data: { a: '2' } })).json;
  assert.ok(Number(later.metadata.resourceVersion) > Number(json.metadata.resourceVersion));
});

test('a state file that takes no more refuses the write with its name, and reads go on', async () => {
  await create('before');
  const put = StateFile.prototype.put;
  StateFile.prototype.put = () => {
    throw new StoreUnavailable('/somewhere/state.sqlite', new Error('database or disk is full'));
  };
  try {
    const { status, json } = await create('after');
    assert.deepEqual([status, json.reason], [500, 'InternalError']);
    assert.match(json.message, /\/somewhere\/state\.sqlite.*disk is full/);
    assert.equal((await bench.ask(`${MAPS}/after`)).status, 404);
    assert.equal((await bench.ask(`${MAPS}/before`)).status, 200);
  } finally {
    StateFile.prototype.put = put;
  }
  assert.equal((await create('after')).status, 201);
});

test('the service of the API comes back when somebody deletes it', async () => {
  const path = '/api/v1/namespaces/default/services/kubernetes';
  assert.equal((await bench.ask(path, { method: 'DELETE' })).status, 200);
  await bench.until(async () => (await bench.ask(path)).status === 200);
  assert.equal((await bench.ask(path)).json.spec.clusterIP, '198.18.0.1');
});
