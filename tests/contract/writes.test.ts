import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, TYPES } from '@osm/kube';
import { at, fieldsOf, find, refused, WatchRecord } from './testing/expect.ts';
import { configMap, deployment } from './testing/objects.ts';
import { ask, client, ownNamespace, uniqueName } from './testing/server.ts';

/** Creating, updating and deleting. */
const namespace = ownNamespace('writes');
const COLLECTION = `/api/v1/namespaces/${namespace}/configmaps`;
const create = (object: object, options: object = {}): Promise<KubeObject> =>
  client.create(TYPES.configMaps, object, { namespace, ...options });
const stored = (name: string): Promise<KubeObject | undefined> => find(TYPES.configMaps, name, namespace);

test('a new object gets its identity', async () => {
  const made = await create(configMap('made', { x: '1' }), { fieldManager: 'contract' });
  assert.match(made.metadata.uid ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.match(made.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(made.metadata.resourceVersion ?? '', /^\d+$/);
  assert.equal(made.metadata.namespace, namespace);
  assert.equal(at(made.metadata.managedFields, 0, 'manager'), 'contract');
  assert.equal(at(made.metadata.managedFields, 0, 'operation'), 'Update');
  assert.deepEqual(await stored('made'), made);
});

test('empty maps and lists of built-in kinds are as if they were not there', async () => {
  const metadata = { name: 'empty', labels: {}, annotations: {}, finalizers: [], ownerReferences: [] };
  const made = await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: {} });
  assert.equal(made.data, undefined);
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const)
    assert.equal(made.metadata[field], undefined, field);
  const label = client.patch(
    TYPES.configMaps,
    'empty',
    'json',
    [{ op: 'add', path: '/metadata/labels/a', value: 'b' }],
    { namespace },
  );
  await refused(label, 422, 'Invalid');
});

test('a name is given once', async () => {
  await create(configMap('once'));
  const error = await refused(create(configMap('once')), 409, 'AlreadyExists');
  assert.equal(error.message.endsWith('configmaps "once" already exists'), true, error.message);
});

test('names are made from generateName', async () => {
  const of = (generateName: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName } });
  const [one, two] = [await create(of('gen-')), await create(of('gen-'))];
  assert.match(one.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(one.metadata.generateName, 'gen-');
  assert.notEqual(one.metadata.name, two.metadata.name);
  const long = await create(of('x'.repeat(80)));
  assert.match(long.metadata.name, /^x{58}.{5}$/);
});

test('what cannot be stored is refused with its fields', async () => {
  const none = await refused(create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }), 422, 'Invalid');
  assert.deepEqual(fieldsOf(none), ['metadata.name']);
  const name = await refused(create(configMap('Not_A_Name')), 422, 'Invalid');
  assert.deepEqual(fieldsOf(name), ['metadata.name']);
  const label = await refused(create(configMap('label', {}, { a: 'not a value' })), 422, 'Invalid');
  assert.deepEqual(fieldsOf(label), ['metadata.labels']);
  await refused(create({ ...configMap('type'), data: { x: 1 } }), 400, 'BadRequest');
  await refused(create({ ...configMap('kind'), kind: 'Secret' }), 400, 'BadRequest');
  await refused(
    client.create(
      TYPES.configMaps,
      { ...configMap('x'), metadata: { name: 'x', namespace: 'default' } },
      { namespace },
    ),
    400,
    'BadRequest',
  );
  await refused(client.create(TYPES.configMaps, configMap('x'), { namespace: 'contract-no-such' }), 404, 'NotFound');
  assert.equal(await stored('x'), undefined);
});

test('unknown fields: dropped with a warning, or refused when that was asked for', async () => {
  const body = { ...configMap('unknown'), nonsense: 1 };
  const warned = await ask(COLLECTION, { method: 'POST', body });
  assert.equal(warned.status, 201);
  assert.match(String(warned.headers.warning), /unknown field \\?"nonsense\\?"/);
  assert.equal(warned.json.nonsense, undefined);
  const strict = await ask(`${COLLECTION}?fieldValidation=Strict`, {
    method: 'POST',
    body: { ...body, metadata: { name: 's' } },
  });
  assert.equal(strict.status, 400);
  assert.match(strict.json.message, /strict decoding error: unknown field "nonsense"/);
});

test('an update needs the newest version, or none', async () => {
  const first = await create(configMap('updated', { x: '1' }));
  const second = await client.update(TYPES.configMaps, { ...first, data: { x: '2' } }, { namespace });
  assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
  const error = await refused(
    client.update(TYPES.configMaps, { ...first, data: { x: '3' } }, { namespace }),
    409,
    'Conflict',
  );
  assert.match(error.message, /the object has been modified; please apply your changes to the latest version/);
  assert.deepEqual((await stored('updated'))?.data, { x: '2' });
  const third = await client.update(TYPES.configMaps, configMap('updated', { x: '4' }), { namespace });
  assert.deepEqual(third.data, { x: '4' });
  assert.equal(third.metadata.uid, first.metadata.uid);
  assert.equal(third.metadata.creationTimestamp, first.metadata.creationTimestamp);
});

test('an update that changes nothing is none', async () => {
  const first = await create(configMap('same', { x: '1' }));
  const again = await client.update(TYPES.configMaps, first, { namespace });
  assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('an update is of the object that was meant', async () => {
  const first = await create(configMap('meant'));
  const uid = '00000000-0000-4000-8000-000000000000';
  await refused(
    client.update(TYPES.configMaps, { ...first, metadata: { ...first.metadata, uid } }, { namespace }),
    409,
    'Conflict',
  );
  const reply = await ask(`${COLLECTION}/meant`, { method: 'PUT', body: configMap('other') });
  assert.equal(reply.status, 400);
  await refused(client.update(TYPES.configMaps, configMap('absent'), { namespace }), 404, 'NotFound');
});

test('generation counts changes of what is wanted', async () => {
  const options = { namespace };
  const made = await client.create(TYPES.deployments, deployment('counted'), options);
  assert.equal(made.metadata.generation, 1);
  const labelled = await client.patch(
    TYPES.deployments,
    'counted',
    'merge',
    { metadata: { labels: { a: 'b' } } },
    options,
  );
  assert.equal(labelled.metadata.generation, 1);
  const paused = await client.patch(TYPES.deployments, 'counted', 'merge', { spec: { paused: true } }, options);
  assert.equal(paused.metadata.generation, 2);
});

test('a dry run tells what would be, and does nothing', async () => {
  const would = await create(configMap('dry'), { dryRun: true });
  assert.ok(would.metadata.uid);
  assert.equal(await stored('dry'), undefined);
  const made = await create(configMap('dry', { x: '1' }));
  await refused(create(configMap('dry'), { dryRun: true }), 409, 'AlreadyExists');
  const dry = { namespace, dryRun: true };
  assert.deepEqual((await client.update(TYPES.configMaps, { ...made, data: { x: '2' } }, dry)).data, { x: '2' });
  assert.deepEqual((await client.patch(TYPES.configMaps, 'dry', 'merge', { data: { x: '3' } }, dry)).data, { x: '3' });
  assert.equal((await ask(`${COLLECTION}/dry?dryRun=All`, { method: 'DELETE' })).status, 200);
  assert.deepEqual(await stored('dry'), made);
});

test('a deletion can be bound to what was seen', async () => {
  const { metadata } = await create(configMap('bound'));
  const other = { uid: '00000000-0000-4000-8000-000000000000' };
  const remove = (preconditions: object): Promise<void> =>
    client.delete(TYPES.configMaps, 'bound', { namespace, preconditions });
  await refused(remove(other), 409, 'Conflict');
  await refused(remove({ resourceVersion: '1' }), 409, 'Conflict');
  await remove({ uid: metadata.uid, resourceVersion: metadata.resourceVersion });
  await refused(client.delete(TYPES.configMaps, 'bound', { namespace }), 404, 'NotFound');
});

test('an object with finalizers goes when the last of them is taken away', async () => {
  const held = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'held', finalizers: ['example.com/one', 'example.com/two'] },
  };
  const { metadata } = await create(held);
  const watch = new WatchRecord(TYPES.configMaps, {
    namespace,
    fieldSelector: 'metadata.name=held',
    resourceVersion: metadata.resourceVersion ?? '',
  });
  await client.delete(TYPES.configMaps, 'held', { namespace });
  const marked = await stored('held');
  assert.ok(marked?.metadata.deletionTimestamp);
  assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
  const patch = (finalizers: readonly string[]): Promise<KubeObject> =>
    client.patch(TYPES.configMaps, 'held', 'merge', { metadata: { finalizers } }, { namespace });
  const error = await refused(patch(['example.com/one', 'example.com/two', 'example.com/three']), 422, 'Invalid');
  assert.deepEqual(fieldsOf(error), ['metadata.finalizers']);
  // A second deletion changes nothing.
  await client.delete(TYPES.configMaps, 'held', { namespace });
  assert.equal((await stored('held'))?.metadata.deletionTimestamp, marked.metadata.deletionTimestamp);
  await patch(['example.com/two']);
  assert.ok(await stored('held'));
  await patch([]);
  assert.equal(await stored('held'), undefined);
  await watch.end(3);
  assert.deepEqual(watch.told, ['MODIFIED held', 'MODIFIED held', 'DELETED held']);
});

test('what is deleted answers with a Status, or with the object that stays', async () => {
  await create(configMap('answer'));
  const gone = await ask(`${COLLECTION}/answer`, { method: 'DELETE' });
  assert.equal(gone.status, 200);
  assert.equal(`${gone.json.kind} ${gone.json.status}`, 'Status Success');
  assert.equal(gone.json.details.name, 'answer');
  await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'answer', finalizers: ['example.com/hold'] } });
  const stays = await ask(`${COLLECTION}/answer`, { method: 'DELETE' });
  assert.equal(stays.json.kind, 'ConfigMap');
  assert.ok(stays.json.metadata.deletionTimestamp);
  await client.patch(TYPES.configMaps, 'answer', 'merge', { metadata: { finalizers: null } }, { namespace });
});

test('a collection is deleted by selection', async () => {
  const run = uniqueName('run');
  for (const [name, on] of Object.entries({ c1: 'yes', c2: 'yes', c3: 'no' }))
    await create(configMap(name, {}, { run, on }));
  await client.deleteCollection(TYPES.configMaps, { namespace, labelSelector: `run=${run},on=yes` });
  const { items } = await client.list(TYPES.configMaps, { namespace, labelSelector: `run=${run}` });
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['c3'],
  );
});
