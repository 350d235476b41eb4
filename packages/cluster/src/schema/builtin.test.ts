import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { record } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { loadBuiltinSchemas } from './builtin.ts';

const json = JSON.parse(
  readFileSync(new URL('../../../../gen/kubernetes-schema.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;
const schemas = loadBuiltinSchemas(json);

const kinds = Object.values(record(json.$defs)).flatMap((definition) =>
  (
    (record(definition)['x-kubernetes-group-version-kind'] ?? []) as { group: string; version: string; kind: string }[]
  ).map(({ group, version, kind }) => ({ group, version, kind })),
);

const kindOf = (group: string, version: string, kind: string): TypeSchema => {
  const schema = schemas.schemaOf(group, version, kind);
  assert.ok(schema, `${group}/${version} ${kind}`);
  return schema;
};

/** The schema at a path; `[]` is the items of a list, `{}` the values of a map. */
const at = (schema: TypeSchema, path: string): TypeSchema =>
  path.split('.').reduce((here, name) => {
    const next = name === '[]' ? here.items : name === '{}' ? here.additionalProperties : here.properties?.get(name);
    assert.ok(next !== undefined && next !== true, `${name} of ${path}`);
    return next;
  }, schema);

const pod = kindOf('', 'v1', 'Pod');
const deployment = kindOf('apps', 'v1', 'Deployment');
const definition = kindOf('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');

test('reading the schema takes next to no time, since nothing is made before it is asked for', () => {
  const started = performance.now();
  const read = loadBuiltinSchemas(json);
  read.schemaOf('', 'v1', 'Pod');
  read.schemaOf('apps', 'v1', 'Deployment');
  assert.ok(performance.now() - started < 50);
});

test('every kind of every group loads, down to its leaves', () => {
  assert.ok(kinds.length > 200);
  const seen = new Set<TypeSchema>();
  const visit = (schema: TypeSchema, depth: number): void => {
    // References are nodes of their own, so recursive types have no end: ten levels show each of them.
    if (seen.has(schema) || depth > 10) return;
    seen.add(schema);
    for (const child of schema.properties?.values() ?? []) visit(child, depth + 1);
    if (schema.items !== undefined) visit(schema.items, depth + 1);
    if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, depth + 1);
  };
  for (const { group, version, kind } of kinds) visit(kindOf(group, version, kind), 0);
  assert.ok(seen.size > 2000, String(seen.size));
});

test('a schema is the same object each time, and frozen', () => {
  assert.equal(schemas.schemaOf('', 'v1', 'Pod'), pod);
  assert.equal(pod.properties, pod.properties);
  assert.equal(at(pod, 'spec').properties, at(pod, 'spec').properties);
  assert.ok(Object.isFrozen(pod) && Object.isFrozen(at(pod, 'spec.containers')));
  assert.equal(schemas.schemaOf('', 'v1', 'Nothing'), undefined);
  assert.equal(schemas.schemaOf('', 'v9', 'Pod'), undefined);
});

test('markers of lists and maps are read', () => {
  const containers = at(pod, 'spec.containers');
  assert.deepEqual(
    [containers.type, containers.listType, containers.listMapKeys, containers.patchMergeKey, containers.patchStrategy],
    ['array', 'map', ['name'], 'name', ['merge']],
  );
  assert.deepEqual(at(containers, '[].ports').listMapKeys, ['containerPort', 'protocol']);
  assert.deepEqual(at(pod, 'spec.volumes').patchStrategy, ['merge', 'retainKeys']);
  assert.equal(at(pod, 'metadata.finalizers').listType, 'set');
  assert.deepEqual(at(deployment, 'spec.strategy').patchStrategy, ['retainKeys']);
  assert.equal(at(deployment, 'spec.selector').mapType, 'atomic');
  assert.equal(at(kindOf('', 'v1', 'Secret'), 'data.{}').openapi.format, 'byte');
});

test('types that JSON schema cannot tell are known', () => {
  const table: readonly (readonly [TypeSchema, Partial<TypeSchema>])[] = [
    [at(pod, 'spec.containers.[].livenessProbe.httpGet.port'), { intOrString: true }],
    [at(pod, 'metadata.creationTimestamp'), { type: 'string', openapi: { format: 'date-time' } }],
    [at(kindOf('', 'v1', 'Event'), 'eventTime'), { type: 'string', openapi: { format: 'micro-time' } }],
    [at(pod, 'spec.containers.[].resources.limits.{}'), { openapi: { format: 'quantity' } }],
    [at(pod, 'metadata.managedFields.[].fieldsV1'), { type: 'object', preserveUnknownFields: true }],
    [at(kindOf('apps', 'v1', 'ControllerRevision'), 'data'), { preserveUnknownFields: true }],
    [at(definition, 'spec.versions.[].schema.openAPIV3Schema.default'), { preserveUnknownFields: true }],
  ];
  for (const [schema, wanted] of table)
    for (const [field, value] of Object.entries(wanted))
      assert.deepEqual(schema[field as keyof TypeSchema], value, JSON.stringify(wanted));
});

test('schemas inside of definitions are recursive', () => {
  const root = at(definition, 'spec.versions.[].schema.openAPIV3Schema');
  assert.equal(at(root, 'properties.{}.properties.{}.type').type, 'string');
  // `items` and `additionalProperties` may be a schema or something else.
  assert.equal(at(root, 'items.items.additionalProperties.type').type, 'string');
  assert.equal(at(root, 'items').type, undefined);
});

test('fields of specs may be required, those of reports are not', () => {
  assert.deepEqual(at(pod, 'spec').required, ['containers']);
  assert.deepEqual(at(deployment, 'spec').required, ['selector', 'template']);
  assert.equal(at(deployment, 'status.conditions.[]').required, undefined);
  assert.equal(at(pod, 'status.containerStatuses.[]').required, undefined);
  assert.equal(at(pod, 'kind').enum, undefined);
});

const nodesOf = function* (node: unknown): Generator<Record<string, unknown>> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield node as Record<string, unknown>;
  for (const child of Object.values(node)) yield* nodesOf(child);
};

test('the definitions of an OpenAPI v3 document are complete and in its dialect', () => {
  for (const [group, version] of [
    ['', 'v1'],
    ['apps', 'v1'],
    ['apiextensions.k8s.io', 'v1'],
    ['example.com', 'v1'],
  ] as const) {
    const published = schemas.openapi(group, version);
    assert.equal(schemas.openapi(group, version), published);
    for (const node of nodesOf(published)) {
      if (typeof node.$ref === 'string') {
        assert.ok(node.$ref.startsWith('#/components/schemas/'));
        assert.ok(Object.hasOwn(published, node.$ref.slice('#/components/schemas/'.length)), node.$ref);
        assert.deepEqual(Object.keys(node), ['$ref']);
      }
      if (Array.isArray(node.type)) assert.ok(!node.type.includes('null'), JSON.stringify(node).slice(0, 200));
    }
    assert.ok(Object.hasOwn(published, 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'));
  }
  const core = schemas.openapi('', 'v1');
  assert.deepEqual(record(core['io.k8s.api.core.v1.Pod'])['x-kubernetes-group-version-kind'], [
    { group: '', kind: 'Pod', version: 'v1' },
  ]);
  assert.deepEqual(record(core['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).oneOf, [
    { type: 'integer' },
    { type: 'string' },
  ]);
});

test('what is no Kubernetes schema is refused', () => {
  for (const wrong of [undefined, null, 1, 'x', [], {}, { $defs: {} }])
    assert.throws(() => loadBuiltinSchemas(wrong), /has no definitions/);
});
