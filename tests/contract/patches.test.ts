import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type KubeObject, type PatchType, TYPES } from '@osm/kube';
import { defineThings, thing } from './testing/definitions.ts';
import { at, fieldsOf, refused } from './testing/expect.ts';
import { configMap, deployment } from './testing/objects.ts';
import { client, ownNamespace } from './testing/server.ts';

/** JSON, merge and strategic merge patches. Server-side apply has a file of its own. */
const namespace = ownNamespace('patches');
const patch = (kind: PatchType, name: string, body: unknown): Promise<KubeObject> =>
  client.patch(TYPES.configMaps, name, kind, body, { namespace });

before(async () => {
  for (const name of ['json', 'replace', 'merge', 'stale', 'fixed'])
    await client.create(TYPES.configMaps, configMap(name, { a: '1', b: '2' }), { namespace });
});

test('JSON patch: add, replace, remove, move, copy, test', async () => {
  const { data } = await patch('json', 'json', [
    { op: 'test', path: '/data/a', value: '1' },
    { op: 'replace', path: '/data/a', value: '9' },
    { op: 'copy', from: '/data/a', path: '/data/c' },
    { op: 'move', from: '/data/b', path: '/data/d' },
    { op: 'add', path: '/metadata/labels', value: { 'example.com/x': 'y' } },
    { op: 'replace', path: '/metadata/labels/example.com~1x', value: 'z' },
  ]);
  assert.deepEqual(data, { a: '9', c: '9', d: '2' });
  const { metadata } = await patch('json', 'json', [{ op: 'remove', path: '/data' }]);
  assert.deepEqual(metadata.labels, { 'example.com/x': 'z' });
});

test('JSON patch: a test that fails, a path that is not there, and what is no patch', async () => {
  await refused(patch('json', 'merge', [{ op: 'test', path: '/data/a', value: 'no' }]), 422, 'Invalid');
  await refused(patch('json', 'merge', [{ op: 'remove', path: '/data/none' }]), 422, 'Invalid');
  await refused(patch('json', 'merge', [{ op: 'add', path: '/none/deep', value: 1 }]), 422, 'Invalid');
  await refused(patch('json', 'merge', { data: {} }), 400, 'BadRequest');
});

test('JSON patch: to replace what is not there yet is to add it', async () => {
  const { data } = await patch('json', 'replace', [{ op: 'replace', path: '/data/new', value: '1' }]);
  assert.deepEqual(data, { a: '1', b: '2', new: '1' });
  await refused(patch('json', 'replace', [{ op: 'replace', path: '/none/deep', value: '1' }]), 422, 'Invalid');
});

test('merge patch: null removes, lists are replaced', async () => {
  const { data } = await patch('merge', 'merge', { data: { a: null, c: '3' } });
  assert.deepEqual(data, { b: '2', c: '3' });
  assert.equal((await patch('merge', 'merge', { data: null })).data, undefined);
});

test('a patch can be bound to the version that was seen', async () => {
  const { metadata } = await client.get(TYPES.configMaps, 'stale', { namespace });
  const { resourceVersion } = metadata;
  const changed = await patch('merge', 'stale', { metadata: { resourceVersion }, data: { a: 'new' } });
  assert.deepEqual(changed.data, { a: 'new', b: '2' });
  await refused(patch('merge', 'stale', { metadata: { resourceVersion }, data: { a: 'old' } }), 409, 'Conflict');
  await refused(
    patch('json', 'stale', [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }]),
    409,
    'Conflict',
  );
});

test('a patch that changes nothing is none', async () => {
  const { metadata } = await client.get(TYPES.configMaps, 'fixed', { namespace });
  const same = await patch('merge', 'fixed', { data: { a: '1' } });
  assert.equal(same.metadata.resourceVersion, metadata.resourceVersion);
});

test('what no patch may do', async () => {
  await refused(patch('merge', 'none', { data: {} }), 404, 'NotFound');
  const renamed = patch('merge', 'fixed', { metadata: { name: 'other' } });
  await refused(renamed, 400, 'BadRequest');
  const wrong = await refused(patch('merge', 'fixed', { data: { a: 1 } }), 422, 'Invalid');
  assert.deepEqual(fieldsOf(wrong), ['patch']);
});

test('strategic merge patch: lists of named items are merged', async () => {
  await client.create(TYPES.deployments, deployment('strategic'), { namespace });
  const merge = (spec: object): Promise<KubeObject> =>
    client.patch(TYPES.deployments, 'strategic', 'strategic', { spec: { template: { spec } } }, { namespace });
  const containers = (object: KubeObject): readonly object[] => at(object, 'spec', 'template', 'spec', 'containers');
  const names = (object: KubeObject): readonly string[] => containers(object).map((each) => at(each, 'name'));

  const two = await merge({ containers: [{ name: 'side', image: 'side:1' }] });
  assert.deepEqual(names(two).toSorted(), ['main', 'side']);
  const changed = await merge({ containers: [{ name: 'main', env: [{ name: 'A', value: '1' }] }] });
  const main = containers(changed).find((each) => at(each, 'name') === 'main');
  assert.equal(at(main, 'image'), 'contract.invalid/none:1');
  assert.deepEqual(at(main, 'env'), [{ name: 'A', value: '1' }]);
  const ordered = await merge({
    '$setElementOrder/containers': [{ name: 'side' }, { name: 'main' }],
    containers: [{ name: 'main', env: [{ name: 'B', value: '2' }] }],
  });
  assert.deepEqual(names(ordered), ['side', 'main']);
  assert.deepEqual(at(containers(ordered)[1], 'env', 'length'), 2);
  const one = await merge({ containers: [{ name: 'side', $patch: 'delete' }] });
  assert.deepEqual(names(one), ['main']);
  const replaced = await merge({ containers: [{ $patch: 'replace' }, { name: 'only', image: 'only:1' }] });
  assert.deepEqual(names(replaced), ['only']);
});

test('strategic merge patch: a list of plain values, and the fields to keep', async () => {
  await client.create(
    TYPES.configMaps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'keep', finalizers: ['example.com/a'] } },
    { namespace },
  );
  const added = await patch('strategic', 'keep', { metadata: { finalizers: ['example.com/b'] } });
  assert.deepEqual([...(added.metadata.finalizers ?? [])].sort(), ['example.com/a', 'example.com/b']);
  const removed = await patch('strategic', 'keep', {
    metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] },
  });
  assert.deepEqual(removed.metadata.finalizers, ['example.com/b']);
  await patch('merge', 'keep', { metadata: { finalizers: null } });

  const recreate = { strategy: { $retainKeys: ['type'], type: 'Recreate' } };
  await client.create(TYPES.deployments, deployment('retains'), { namespace });
  const { spec } = await client.patch(TYPES.deployments, 'retains', 'strategic', { spec: recreate }, { namespace });
  assert.deepEqual(at(spec, 'strategy'), { type: 'Recreate' });
});

test('custom resources have no strategic merge patch', async () => {
  const type = await defineThings('patches', {
    properties: { spec: { type: 'object', properties: { list: { type: 'array', items: { type: 'string' } } } } },
  });
  await client.create(type, thing(type, 'one', { spec: { list: ['a', 'b'] } }), { namespace });
  await refused(
    client.patch(type, 'one', 'strategic', { spec: { list: ['c'] } }, { namespace }),
    415,
    'UnsupportedMediaType',
  );
  const merged = await client.patch(type, 'one', 'merge', { spec: { list: ['c'] } }, { namespace });
  assert.deepEqual(at(merged, 'spec', 'list'), ['c']);
});

test('a field that never changes', async () => {
  await client.create(TYPES.deployments, deployment('immutable'), { namespace });
  const error = await refused(
    client.patch(
      TYPES.deployments,
      'immutable',
      'merge',
      { spec: { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'other' } } } } },
      { namespace },
    ),
    422,
    'Invalid',
  );
  assert.deepEqual(fieldsOf(error), ['spec.selector']);
});
