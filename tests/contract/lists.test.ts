import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type KubeObject, TYPES } from '@osm/kube';
import { at, refused } from './testing/expect.ts';
import { configMap } from './testing/objects.ts';
import { client, ownNamespace, uniqueName } from './testing/server.ts';

/** Lists: versions, pages, selectors. */
const namespace = ownNamespace('lists');
const run = uniqueName('run');
const names = (items: readonly KubeObject[]): readonly string[] => items.map(({ metadata }) => metadata.name);

before(async () => {
  // The API server itself may put a ConfigMap into each namespace; ours are told by their label.
  for (const [name, labels] of Object.entries({
    a: { tier: 'front', shape: 'round' },
    b: { tier: 'front' },
    c: { tier: 'back', shape: 'square' },
    d: { tier: 'back' },
    e: {},
  }))
    await client.create(TYPES.configMaps, configMap(name, {}, { run, ...labels }), { namespace });
});

const select = async (labelSelector: string, fieldSelector = ''): Promise<string> =>
  names(
    (await client.list(TYPES.configMaps, { namespace, labelSelector: `run=${run}${labelSelector}`, fieldSelector }))
      .items,
  ).join('');

test('a list has a version, and its items are in the order of their names', async () => {
  const list = await client.list(TYPES.configMaps, { namespace, labelSelector: `run=${run}` });
  assert.equal(list.kind, 'ConfigMapList');
  assert.equal(list.apiVersion, 'v1');
  assert.match(list.metadata.resourceVersion, /^[1-9]\d*$/);
  assert.deepEqual(names(list.items), ['a', 'b', 'c', 'd', 'e']);
  for (const { metadata } of list.items)
    assert.ok(Number(metadata.resourceVersion) <= Number(list.metadata.resourceVersion));
});

test('all pages of a list show one moment', async () => {
  const all = await client.list(TYPES.configMaps, { namespace });
  const first = await client.list(TYPES.configMaps, { namespace, limit: 2 });
  assert.equal(first.items.length, 2);
  assert.equal(first.metadata.remainingItemCount, all.items.length - 2);
  const token = first.metadata.continue;
  assert.ok(token);
  await client.create(TYPES.configMaps, configMap('zz-later'), { namespace });
  const rest = await client.list(TYPES.configMaps, { namespace, limit: 100, continue: token });
  assert.equal(rest.metadata.continue ?? '', '');
  assert.equal(rest.metadata.remainingItemCount, undefined);
  assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.deepEqual(names([...first.items, ...rest.items]), names(all.items));
  await client.delete(TYPES.configMaps, 'zz-later', { namespace });
});

test('pages of a selection do not tell how much remains', async () => {
  const labelSelector = `run=${run}`;
  const first = await client.list(TYPES.configMaps, { namespace, labelSelector, limit: 3 });
  assert.deepEqual(names(first.items), ['a', 'b', 'c']);
  assert.equal(first.metadata.remainingItemCount, undefined);
  const next = await client.list(TYPES.configMaps, {
    namespace,
    labelSelector,
    limit: 3,
    continue: first.metadata.continue ?? '',
  });
  assert.deepEqual(names(next.items), ['d', 'e']);
  assert.equal(next.metadata.continue ?? '', '');
});

test('a continuation that is none is a bad request', async () => {
  await refused(client.list(TYPES.configMaps, { namespace, limit: 2, continue: 'nonsense' }), 400, 'BadRequest');
});

test('label selectors', async () => {
  assert.equal(await select(''), 'abcde');
  assert.equal(await select(',tier=front'), 'ab');
  assert.equal(await select(',tier==back'), 'cd');
  assert.equal(await select(',tier!=front'), 'cde');
  assert.equal(await select(',tier in (front,back)'), 'abcd');
  assert.equal(await select(',tier notin (front)'), 'cde');
  assert.equal(await select(',shape'), 'ac');
  assert.equal(await select(',!shape'), 'bde');
  assert.equal(await select(',tier=front,!shape'), 'b');
  await refused(client.list(TYPES.configMaps, { namespace, labelSelector: 'a in b' }), 400, 'BadRequest');
});

test('field selectors', async () => {
  assert.equal(await select('', 'metadata.name=c'), 'c');
  assert.equal(await select('', 'metadata.name!=c'), 'abde');
  assert.equal(await select('', `metadata.namespace=${namespace},metadata.name=a`), 'a');
  const error = await refused(
    client.list(TYPES.configMaps, { namespace, fieldSelector: 'data.x=1' }),
    400,
    'BadRequest',
  );
  assert.match(error.message, /"data\.x" is not a known field selector: only "metadata\.name", "metadata\.namespace"/);
  // Kinds with fields of their own say so in other words.
  const pods = await refused(client.list(TYPES.pods, { namespace, fieldSelector: 'spec.x=1' }), 400, 'BadRequest');
  assert.match(pods.message, /field label not supported: spec\.x/);
});

test('a selection over all namespaces', async () => {
  const { items } = await client.list(TYPES.configMaps, {
    labelSelector: `run=${run}`,
    fieldSelector: 'metadata.name=b',
  });
  assert.deepEqual(
    items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    [`${namespace}/b`],
  );
});

test('Secrets are selected by type', async () => {
  const secret = (name: string, type: string, data: object): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    type,
    data,
  });
  await client.create(TYPES.secrets, secret('plain', 'Opaque', {}), { namespace });
  await client.create(TYPES.secrets, secret('own', 'example.com/own', {}), { namespace });
  const { items } = await client.list(TYPES.secrets, { namespace, fieldSelector: 'type=example.com/own' });
  assert.deepEqual(names(items), ['own']);
});

test('a version that is not there yet cannot be listed', async () => {
  const list = await client.list(TYPES.configMaps, { namespace });
  const resourceVersion = String(Number(list.metadata.resourceVersion) + 1_000_000);
  const error = await refused(client.list(TYPES.configMaps, { namespace, resourceVersion }), 504, 'Timeout');
  assert.match(error.message, /Too large resource version/);
  assert.equal(at(error.body, 'details', 'causes', 0, 'reason'), 'ResourceVersionTooLarge');
});

test('version 0 takes any state, and the version of a list that state or a newer one', async () => {
  const list = await client.list(TYPES.configMaps, { namespace, labelSelector: `run=${run}` });
  for (const resourceVersion of ['0', list.metadata.resourceVersion]) {
    const again = await client.list(TYPES.configMaps, { namespace, labelSelector: `run=${run}`, resourceVersion });
    assert.ok(again.items.length <= 5);
  }
});

test('what is not there: an empty list, and NotFound with what was asked for', async () => {
  const empty = await client.list(TYPES.configMaps, { namespace: 'contract-no-such' });
  assert.deepEqual(empty.items, []);
  const error = await refused(client.get(TYPES.configMaps, 'none', { namespace }), 404, 'NotFound');
  assert.equal(error.message.endsWith('configmaps "none" not found'), true, error.message);
  assert.deepEqual(error.body?.details, { name: 'none', kind: 'configmaps' });
  const role = await refused(client.get(TYPES.clusterRoles, 'contract:none'), 404, 'NotFound');
  assert.deepEqual(role.body?.details, {
    name: 'contract:none',
    group: 'rbac.authorization.k8s.io',
    kind: 'clusterroles',
  });
  const unknown = {
    group: 'contract.example.com',
    version: 'v1',
    resource: 'nothings',
    kind: 'Nothing',
    namespaced: true,
  };
  await refused(client.list(unknown, { namespace }), 404, 'NotFound');
});
