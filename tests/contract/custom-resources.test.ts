import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { defineThings, definitionOf, thing, thingsOf, untilServed } from './testing/definitions.ts';
import { at, fieldsOf, refused, until, untilGone } from './testing/expect.ts';
import { ask, client, ownNamespace, uniqueName } from './testing/server.ts';

/** CustomResourceDefinitions, and the objects that they define. */
const namespace = ownNamespace('custom');
const SCHEMA = {
  spec: {
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: 'integer', minimum: 1, maximum: 9, default: 2 },
      mode: { type: 'string', enum: ['fast', 'slow'], default: 'fast' },
      name: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
      port: { 'x-kubernetes-int-or-string': true },
      tags: { type: 'object', additionalProperties: { type: 'string' } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      nested: { type: 'object', properties: { on: { type: 'boolean', default: true } } },
      note: { type: 'string', nullable: true },
      list: { type: 'array', maxItems: 2, items: { type: 'object', properties: { x: { type: 'integer' } } } },
    },
    'x-kubernetes-validations': [
      { rule: "self.mode != 'slow' || self.size < 5", message: 'slow ones are small' },
      { rule: '!has(oldSelf.name) || self.name == oldSelf.name', message: 'the name stays' },
    ],
  },
  status: { type: 'object', properties: { phase: { type: 'string' } } },
};
const COLUMNS = [
  { name: 'Size', type: 'integer', jsonPath: '.spec.size', description: 'How big' },
  { name: 'Phase', type: 'string', jsonPath: '.status.phase', priority: 1 },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];
/** The field of a refusal that tells of rules that were not asked, as the object was of the wrong shape. */
const UNCHECKED = '<nil>';
let type: ResourceType;

before(async () => {
  type = await defineThings('custom', {
    properties: SCHEMA,
    version: { subresources: { status: {} }, additionalPrinterColumns: COLUMNS },
  });
});

let count = 0;
const create = (spec: object, fields: object = {}): Promise<KubeObject> => {
  count += 1;
  return client.create(type, thing(type, `thing-${count}`, { spec, ...fields }), { namespace });
};

test('defaults are filled in', async () => {
  const made = await create({ size: 3, nested: {} });
  assert.deepEqual(made.spec, { size: 3, mode: 'fast', nested: { on: true } });
  // A default also serves what is required.
  assert.deepEqual((await create({})).spec, { size: 2, mode: 'fast' });
});

test('what the schema does not know is pruned, unless it may be there', async () => {
  const made = await create(
    { size: 1, other: 1, free: { any: { thing: [1] } }, tags: { a: 'b' }, list: [{ x: 1, y: 2 }] },
    { extra: 1 },
  );
  assert.deepEqual(made.spec, {
    size: 1,
    mode: 'fast',
    free: { any: { thing: [1] } },
    tags: { a: 'b' },
    list: [{ x: 1 }],
  });
  assert.equal(made.extra, undefined);
});

test('what does not fit the schema is refused with its fields', async () => {
  const fields = async (spec: object): Promise<readonly string[]> =>
    fieldsOf(await refused(create(spec), 422, 'Invalid')).filter((field) => field !== UNCHECKED);
  assert.deepEqual(await fields({ size: 0 }), ['spec.size']);
  assert.deepEqual(await fields({ size: 10 }), ['spec.size']);
  assert.deepEqual(await fields({ size: 'x' }), ['spec.size']);
  assert.deepEqual(await fields({ size: 1, mode: 'other' }), ['spec.mode']);
  assert.deepEqual(await fields({ size: 1, name: 'ABC' }), ['spec.name']);
  assert.deepEqual(await fields({ size: 1, port: true }), ['spec.port']);
  assert.deepEqual(await fields({ size: 1, list: [{}, {}, {}] }), ['spec.list']);
  assert.deepEqual(await fields({ size: 1, list: [{ x: 'a' }] }), ['spec.list[0].x']);
  assert.deepEqual(await fields({ size: 1, tags: { a: 1 } }), ['spec.tags.a']);
  const several = await fields({ size: 0, name: 'toolong' });
  assert.deepEqual([...several].sort(), ['spec.name', 'spec.size']);
  const told = fieldsOf(await refused(create({ size: 'x' }), 422, 'Invalid'));
  assert.deepEqual(told, ['spec.size', UNCHECKED]);
});

test('null is a value only where it may be', async () => {
  assert.deepEqual((await create({ size: 1, note: null })).spec, { size: 1, mode: 'fast', note: null });
  // A null for a field with a default is as if it were not there.
  assert.deepEqual((await create({ size: 1, mode: null })).spec, { size: 1, mode: 'fast' });
});

test('rules of CEL hold for an object, and for the way from one to the next', async () => {
  const error = await refused(create({ size: 7, mode: 'slow' }), 422, 'Invalid');
  assert.deepEqual(fieldsOf(error), ['spec']);
  assert.match(error.message, /slow ones are small/);
  const { metadata } = await create({ size: 1, name: 'abc' });
  const change = client.patch(type, metadata.name, 'merge', { spec: { name: 'xyz' } }, { namespace });
  assert.match((await refused(change, 422, 'Invalid')).message, /the name stays/);
});

test('status is written only through its subresource, which writes nothing else', async () => {
  const made = await create({ size: 1 }, { status: { phase: 'Made' } });
  assert.equal(made.status, undefined);
  assert.equal(made.metadata.generation, 1);
  const { name } = made.metadata;
  const options = { namespace, subresource: 'status' } as const;
  const changed = await client.update(
    type,
    { ...made, metadata: { ...made.metadata, labels: { a: 'b' } }, spec: { size: 9 }, status: { phase: 'Ready' } },
    options,
  );
  assert.deepEqual(changed.status, { phase: 'Ready' });
  assert.equal(at(changed, 'spec', 'size'), 1);
  assert.equal(changed.metadata.labels, undefined);
  assert.equal(changed.metadata.generation, 1);
  const main = await client.patch(type, name, 'merge', { spec: { size: 4 }, status: { phase: 'No' } }, { namespace });
  assert.deepEqual(main.status, { phase: 'Ready' });
  assert.equal(main.metadata.generation, 2);
  const patched = await client.patch(type, name, 'merge', { status: { phase: 'Done', junk: 1 } }, options);
  assert.deepEqual(patched.status, { phase: 'Done' });
  const shown = await client.get(type, name, { namespace, subresource: 'status' });
  assert.deepEqual(shown.status, { phase: 'Done' });
});

test('columns are printed', async () => {
  const { metadata } = await create({ size: 5 });
  await client.patch(
    type,
    metadata.name,
    'merge',
    { status: { phase: 'Ready' } },
    { namespace, subresource: 'status' },
  );
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const path = `/apis/${type.group}/v1/namespaces/${namespace}/things/${metadata.name}`;
  const { json } = await ask(path, { headers: { accept } });
  assert.equal(json.kind, 'Table');
  assert.deepEqual(
    json.columnDefinitions.map(({ name, type: kind, priority }: Record<string, unknown>) => [name, kind, priority]),
    [
      ['Name', 'string', 0],
      ['Size', 'integer', 0],
      ['Phase', 'string', 1],
      ['Age', 'date', 0],
    ],
  );
  const [row] = json.rows;
  assert.deepEqual(row.cells.slice(0, 3), [metadata.name, 5, 'Ready']);
  assert.match(row.cells[3], /^\d+s$/);
  assert.equal(row.object.kind, 'PartialObjectMetadata');
  assert.equal(row.object.metadata.name, metadata.name);
});

test('an update needs the version that was seen', async () => {
  const made = await create({ size: 1 });
  const { resourceVersion, ...metadata } = made.metadata;
  const error = await refused(client.update(type, { ...made, metadata }, { namespace }), 422, 'Invalid');
  assert.deepEqual(fieldsOf(error), ['metadata.resourceVersion']);
  await client.update(type, { ...made, spec: { size: 2 } }, { namespace });
  await refused(client.update(type, { ...made, spec: { size: 3 } }, { namespace }), 409, 'Conflict');
  assert.ok(resourceVersion);
});

test('names of custom resources are names', async () => {
  const wrong = client.create(type, thing(type, 'Not_A_Name', { spec: { size: 1 } }), { namespace });
  await refused(wrong, 422, 'Invalid');
});

test('types are found by discovery', async () => {
  const { json } = await ask(`/apis/${type.group}/v1`);
  const found = json.resources.find(({ name }: { name: string }) => name === 'things');
  assert.equal(`${found.kind} ${found.singularName} ${found.namespaced}`, 'Thing thing true');
  for (const verb of ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])
    assert.ok(found.verbs.includes(verb), verb);
  assert.ok(json.resources.some(({ name }: { name: string }) => name === 'things/status'));
});

test('a definition that cannot be is refused with its fields', async () => {
  const group = `${uniqueName('wrong')}.example.com`;
  const fields = async (definition: KubeObject): Promise<readonly string[]> =>
    fieldsOf(await refused(client.create(TYPES.customResourceDefinitions, definition), 422, 'Invalid'));
  const untyped = await fields(definitionOf(group, { properties: { spec: { properties: {} } } }));
  assert.ok(
    untyped.includes('spec.validation.openAPIV3Schema.properties[spec].type') ||
      untyped.includes('spec.versions[0].schema.openAPIV3Schema.properties[spec].type'),
    untyped.join(),
  );
  const named = await fields({ ...definitionOf(group), metadata: { name: `other.${group}` } });
  assert.deepEqual(named, ['metadata.name']);
  const rule = { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.none ==' }] };
  const ruled = await fields(definitionOf(group, { properties: { spec: rule } }));
  assert.match(ruled.join(), /x-kubernetes-validations\[0\]\.rule/);
});

test('two definitions cannot have one name', async () => {
  const group = `${uniqueName('names')}.example.com`;
  const first = definitionOf(group);
  await client.create(TYPES.customResourceDefinitions, first);
  await untilServed(thingsOf(group));
  const second = {
    ...first,
    metadata: { name: `others.${group}` },
    spec: { ...(first.spec as object), names: { plural: 'others', kind: 'Thing' } },
  };
  await client.create(TYPES.customResourceDefinitions, second);
  const refusedNames = await until(
    'the second definition to be judged',
    () => client.get(TYPES.customResourceDefinitions, `others.${group}`),
    (definition) => at(definition, 'status', 'conditions')?.length > 0,
  );
  const accepted = at(refusedNames, 'status', 'conditions').find(
    (condition: object) => at(condition, 'type') === 'NamesAccepted',
  );
  assert.equal(accepted.status, 'False');
  assert.equal((await ask(`/apis/${group}/v1/others`)).status, 404);
  await client.delete(TYPES.customResourceDefinitions, `things.${group}`);
  await untilServed({ ...thingsOf(group), resource: 'others' });
  await client.delete(TYPES.customResourceDefinitions, `others.${group}`);
});

test('a change of the definition changes what is taken', async () => {
  const own = await defineThings('changes', { properties: { spec: { type: 'object', properties: {} } } });
  await client.create(own, thing(own, 'early', { spec: { late: 'x' } }), { namespace });
  const name = `things.${own.group}`;
  const late = { late: { type: 'string', default: 'later' } };
  await client.patch(TYPES.customResourceDefinitions, name, 'json', [
    { op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties', value: late },
  ]);
  // What had been pruned is gone; the default is shown for what is stored, too.
  await until(
    'the default',
    () => client.get(own, 'early', { namespace }),
    (object) => at(object, 'spec', 'late') === 'later',
  );
});

test('objects go with their definition, finalizers first', async () => {
  const own = await defineThings('ends', { namespaced: false });
  const name = `things.${own.group}`;
  const held = thing(own, 'held');
  await client.create(own, { ...held, metadata: { name: 'held', finalizers: ['example.com/hold'] } });
  await client.delete(TYPES.customResourceDefinitions, name);
  const marked = await until(
    'the object to be marked',
    () => client.get(own, 'held'),
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  );
  assert.ok(marked.metadata.deletionTimestamp);
  await client.patch(own, 'held', 'merge', { metadata: { finalizers: null } });
  await untilGone(TYPES.customResourceDefinitions, name);
  await until(
    'the type to be gone',
    () => ask(`/apis/${own.group}/v1/things`),
    ({ status }) => status === 404,
  );
});
