import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { defineThings } from './testing/definitions.ts';
import { at, fieldsOf, find, refused } from './testing/expect.ts';
import { configMap, podTemplate } from './testing/objects.ts';
import { ask, client, ownNamespace } from './testing/server.ts';

/** Server-side apply: who owns which field (https://kubernetes.io/docs/reference/using-api/server-side-apply/). */
const namespace = ownNamespace('apply');
const apply = (
  fieldManager: string,
  name: string,
  fields: object,
  options: object = {},
  type: ResourceType = TYPES.configMaps,
): Promise<KubeObject> => {
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  const body = { apiVersion, kind: type.kind, metadata: { name }, ...fields };
  return client.patch(type, name, 'apply', body, { namespace, fieldManager, ...options });
};
/** `manager operation subresource` of each entry. */
const owners = (object: KubeObject): readonly string[] =>
  (object.metadata.managedFields ?? []).map((entry) =>
    [at(entry, 'manager'), at(entry, 'operation'), at(entry, 'subresource')].filter(Boolean).join(' '),
  );

test('applying makes an object, and applying the same again changes nothing', async () => {
  const made = await apply('one', 'made', { data: { a: '1' } });
  assert.deepEqual(made.data, { a: '1' });
  const [entry] = made.metadata.managedFields ?? [];
  assert.deepEqual(owners(made), ['one Apply']);
  assert.equal(at(entry, 'apiVersion'), 'v1');
  assert.equal(at(entry, 'fieldsType'), 'FieldsV1');
  assert.deepEqual(at(entry, 'fieldsV1'), { 'f:data': { 'f:a': {} } });
  const again = await apply('one', 'made', { data: { a: '1' } });
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
});

test('a field that another manager applied is a conflict, until it is forced', async () => {
  await apply('one', 'contested', { data: { a: '1', b: '1' } });
  const error = await refused(apply('two', 'contested', { data: { a: '2' } }), 409, 'Conflict');
  assert.match(error.message, /Apply failed with 1 conflict: conflict with "one": \.data\.a/);
  assert.deepEqual(error.body?.details?.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' },
  ]);
  const forced = await apply('two', 'contested', { data: { a: '2' } }, { force: true });
  assert.deepEqual(forced.data, { a: '2', b: '1' });
  // The field has gone over: now the first one is refused.
  await refused(apply('one', 'contested', { data: { a: '1', b: '1' } }), 409, 'Conflict');
});

test('a field with the same value is shared, and goes with its last owner', async () => {
  await apply('one', 'shared', { data: { a: '1' } });
  await apply('two', 'shared', { data: { a: '1' } });
  assert.deepEqual((await apply('one', 'shared', {})).data, { a: '1' });
  assert.equal((await apply('two', 'shared', {})).data, undefined);
});

test('what a manager no longer applies is removed, and only that', async () => {
  await apply('one', 'dropped', { data: { a: '1', b: '1' } });
  await apply('two', 'dropped', { data: { c: '2' } });
  const dropped = await apply('one', 'dropped', { data: { a: '1' } });
  assert.deepEqual(dropped.data, { a: '1', c: '2' });
});

test('an update takes fields, and applying them is a conflict with it', async () => {
  const made = await apply('one', 'updated', { data: { a: '1' } });
  await client.update(TYPES.configMaps, { ...made, data: { a: '5' } }, { namespace, fieldManager: 'editor' });
  const error = await refused(apply('one', 'updated', { data: { a: '1' } }), 409, 'Conflict');
  assert.match(error.message, /conflict with "editor" using v1/);
  const forced = await apply('one', 'updated', { data: { a: '1' } }, { force: true });
  assert.deepEqual(forced.data, { a: '1' });
  assert.deepEqual(owners(forced), ['one Apply']);
});

test('all conflicts are named', async () => {
  await apply('one', 'many', { data: { a: '1', b: '1' }, metadata: { name: 'many', labels: { l: '1' } } });
  const error = await refused(
    apply('two', 'many', { data: { a: '2', b: '2' }, metadata: { name: 'many', labels: { l: '2' } } }),
    409,
    'Conflict',
  );
  assert.deepEqual([...fieldsOf(error)].sort(), ['.data.a', '.data.b', '.metadata.labels.l']);
});

test('items of a list are merged by their keys', async () => {
  const spec = (template: object): object => ({
    spec: { replicas: 0, selector: { matchLabels: { app: 'keyed' } }, template },
  });
  await apply('one', 'keyed', spec(podTemplate({ app: 'keyed' })), {}, TYPES.deployments);
  const container = { name: 'side', image: 'side:1' };
  const two = await apply(
    'two',
    'keyed',
    { spec: { template: { spec: { containers: [container] } } } },
    {},
    TYPES.deployments,
  );
  const names = (object: KubeObject): readonly string[] =>
    at(object, 'spec', 'template', 'spec', 'containers').map((each: object) => at(each, 'name'));
  assert.deepEqual(names(two), ['main', 'side']);
  const error = await refused(
    apply(
      'two',
      'keyed',
      { spec: { template: { spec: { containers: [container, { name: 'main', image: 'other:1' }] } } } },
      {},
      TYPES.deployments,
    ),
    409,
    'Conflict',
  );
  assert.deepEqual(fieldsOf(error), ['.spec.template.spec.containers[name="main"].image']);
  assert.deepEqual(names(await apply('two', 'keyed', { spec: {} }, {}, TYPES.deployments)), ['main']);
});

test('the subresource status has owners of its own', async () => {
  const type = await defineThings('apply', {
    properties: {
      spec: { type: 'object', properties: { size: { type: 'integer' } } },
      status: {
        type: 'object',
        properties: {
          conditions: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['type'],
            items: {
              type: 'object',
              required: ['type'],
              properties: { type: { type: 'string' }, status: { type: 'string' } },
            },
          },
        },
      },
    },
    version: { subresources: { status: {} } },
  });
  await apply('user', 'one', { spec: { size: 3 } }, {}, type);
  const status = (manager: string, name: string, value: string): Promise<KubeObject> =>
    apply(manager, 'one', { status: { conditions: [{ type: name, status: value }] } }, { subresource: 'status' }, type);
  await status('left', 'Left', 'True');
  const both = await status('right', 'Right', 'True');
  assert.deepEqual(both.status, {
    conditions: [
      { type: 'Left', status: 'True' },
      { type: 'Right', status: 'True' },
    ],
  });
  assert.deepEqual(both.spec, { size: 3 });
  assert.deepEqual([...owners(both)].sort(), ['left Apply status', 'right Apply status', 'user Apply']);
  await refused(status('right', 'Left', 'False'), 409, 'Conflict');
  const main = await apply('user', 'one', { spec: { size: 4 }, status: { conditions: [] } }, {}, type);
  assert.deepEqual(main.status, both.status);
});

test('a list without keys is one value', async () => {
  const type = await defineThings('apply', {
    properties: {
      spec: {
        type: 'object',
        properties: {
          plain: { type: 'array', items: { type: 'string' } },
          set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        },
      },
    },
  });
  await apply('one', 'lists', { spec: { plain: ['a'], set: ['a'] } }, {}, type);
  const two = await apply('two', 'lists', { spec: { set: ['b'] } }, {}, type);
  assert.deepEqual(two.spec, { plain: ['a'], set: ['a', 'b'] });
  const error = await refused(apply('two', 'lists', { spec: { plain: ['b'], set: ['b'] } }, {}, type), 409, 'Conflict');
  assert.deepEqual(fieldsOf(error), ['.spec.plain']);
});

test('what applying asks for', async () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps/asks`;
  const send = (query: string, body: object): ReturnType<typeof ask> =>
    ask(`${path}${query}`, { method: 'PATCH', body, headers: { 'content-type': 'application/apply-patch+yaml' } });
  const nobody = await send('', configMap('asks'));
  assert.equal(nobody.status, 422);
  assert.match(nobody.json.message, /fieldManager: Required value: is required for apply patch/);
  const kind = await send('?fieldManager=one', { metadata: { name: 'asks' } });
  assert.equal(kind.status, 400);
  const fields = await send('?fieldManager=one', {
    ...configMap('asks'),
    metadata: { name: 'asks', managedFields: [{}] },
  });
  assert.equal(fields.status, 400);
  assert.match(fields.json.message, /metadata\.managedFields must be nil/);
  const name = await send('?fieldManager=one', configMap('other'));
  assert.equal(name.status, 400);
  assert.equal(await find(TYPES.configMaps, 'asks', namespace), undefined);
});

test('applying YAML, dry or bound to an object that must exist', async () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps/yaml?fieldManager=one`;
  const headers = { 'content-type': 'application/apply-patch+yaml' };
  const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n';
  const dry = await ask(`${path}&dryRun=All`, { method: 'PATCH', body, headers });
  assert.equal(dry.status, 201);
  assert.equal(await find(TYPES.configMaps, 'yaml', namespace), undefined);
  const made = await ask(path, { method: 'PATCH', body, headers });
  assert.equal(made.status, 201);
  assert.equal((await ask(path, { method: 'PATCH', body, headers })).status, 200);
  const uid = '00000000-0000-4000-8000-000000000000';
  await refused(apply('one', 'bound', { metadata: { name: 'bound', uid } }), 409, 'Conflict');
  await refused(apply('one', 'yaml', { metadata: { name: 'yaml', resourceVersion: '1' } }), 409, 'Conflict');
});

test('owners that are cleared are written anew', async () => {
  await apply('one', 'cleared', { data: { a: '1' } });
  const none = { metadata: { managedFields: [{}] } };
  const cleared = await client.patch(TYPES.configMaps, 'cleared', 'merge', none, { namespace });
  assert.equal(cleared.metadata.managedFields, undefined);
  const mine = await apply('two', 'cleared', { data: { a: '1' } });
  assert.ok(owners(mine).includes('two Apply'));
});
