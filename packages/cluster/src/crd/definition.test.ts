import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import fc from 'fast-check';
import { deepFreeze } from '../store/fields.ts';
import { readCrd } from './definition.ts';
import { publishedDefinitions } from './publish.ts';
import { crdStatus } from './status.ts';

const spec = { type: 'object', properties: { size: { type: 'integer' } } };

/** A definition with `schema` as that of `spec`, and other parts changed. */
const definition = (change: object = {}, schema: object = spec, version: object = {}): KubeObject =>
  deepFreeze({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: schema } } },
          ...version,
        },
      ],
      ...change,
    },
  });

const SPEC = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]';

const faultsOf = (crd: KubeObject): readonly string[] =>
  readCrd(crd).faults.map(({ path, message }) => `${path}: ${message}`);

test('a definition brings one type for each served version', () => {
  const two = definition({
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object' } },
        subresources: { status: {} },
      },
      { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
      { name: 'v1alpha1', served: false, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  });
  const { types, faults } = readCrd(two);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    types.map(({ version, storageVersion, subresources }) => [version, storageVersion, subresources.status]),
    [
      ['v1', 'v1', true],
      ['v1beta1', 'v1', false],
    ],
  );
  const { columns: _columns, schema, subresources: _subresources, ...rest } = types[0]!;
  assert.deepEqual(rest, {
    group: 'example.com',
    version: 'v1',
    resource: 'widgets',
    kind: 'Widget',
    namespaced: true,
    singular: 'widget',
    listKind: 'WidgetList',
    shortNames: ['wd'],
    categories: ['all'],
    storageVersion: 'v1',
    custom: true,
    hasGeneration: true,
  });
  assert.equal(schema.properties?.get('metadata')?.properties?.get('finalizers')?.listType, 'set');
});

test('the scale subresource has its paths', () => {
  const scale = {
    specReplicasPath: '.spec.size',
    statusReplicasPath: '.status.size',
    labelSelectorPath: '.status.selector',
  };
  assert.deepEqual(readCrd(definition({}, spec, { subresources: { scale } })).types[0]?.subresources, {
    status: false,
    scale,
  });
});

test('columns read their cells by path', () => {
  const columns = [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size', priority: 1, description: 'how big' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'First', type: 'string', jsonPath: '.spec.list[0]' },
    { name: 'On', type: 'boolean', jsonPath: '.spec.on' },
    { name: 'Share', type: 'number', jsonPath: '.spec.share' },
    { name: 'Part', type: 'string', jsonPath: '.spec.part' },
  ];
  const { types } = readCrd(definition({}, spec, { additionalPrinterColumns: columns }));
  const cells = (object: object) =>
    types[0]!.columns.map(({ cell }) => cell(object as KubeObject, new Date('2026-01-01T01:00:00Z')));
  const metadata = { name: 'one', creationTimestamp: '2026-01-01T00:00:00Z' };
  const full = {
    metadata,
    spec: { size: 3, list: ['a', 'b'], on: true, share: 0.5, part: { a: 1 } },
    status: { conditions: [{ type: 'Other' }, { type: 'Ready', status: 'True' }] },
  };
  assert.deepEqual(cells(full), ['one', 3, 'True', '60m', 'a', true, 0.5, '{"a":1}']);
  assert.deepEqual(cells({ metadata: { name: 'two' }, spec: { size: 'x' } }), [
    'two',
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
  assert.deepEqual(cells({ metadata: { name: 'x', creationTimestamp: 'x' } })[3], '<invalid>');
  assert.equal(types[0]!.columns[1]?.priority, 1);
  const plain = readCrd(definition()).types[0]!.columns.map(({ name }) => name);
  assert.deepEqual(plain, ['Name', 'Age']);
});

const text = { type: 'string' };
const rule = (...rules: object[]) => ({ type: 'object', properties: { a: text }, 'x-kubernetes-validations': rules });

test('what is wrong with a definition is told with its place', () => {
  const table: readonly (readonly [crd: KubeObject, faults: readonly RegExp[]])[] = [
    [definition({ group: '' }), [/^spec\.group: Required/, /^metadata\.name/]],
    [definition({ group: 'local' }), [/^spec\.group: .*at least one dot/, /^metadata\.name/]],
    [definition({ group: 'Example.com' }), [/^spec\.group: .*RFC 1123/, /^metadata\.name/]],
    [definition({ group: 'x.k8s.io' }), [/api-approved\.kubernetes\.io\]: Required/, /^metadata\.name/]],
    [definition({ scope: undefined }), [/^spec\.scope: Required/]],
    [
      definition({ scope: 'Galaxy' }),
      [/^spec\.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"/],
    ],
    [definition({ names: { plural: 'gears', kind: 'Widget' } }), [/^metadata\.name: .*spec\.names\.plural/]],
    [definition({ names: { plural: 'widgets', kind: '' } }), [/^spec\.names\.kind: Required/]],
    [definition({ names: { plural: 'widgets', kind: 'W_t' } }), [/names\.singular/, /names\.kind/, /names\.listKind/]],
    [
      definition({ names: { plural: 'widgets', kind: 'Widget', listKind: 'Widget' } }),
      [/listKind: .*may not be the same/],
    ],
    [
      definition({ names: { plural: 'widgets', kind: 'Widget', shortNames: ['A'] } }),
      [/^spec\.names\.shortNames\[0\]/],
    ],
    [definition({ preserveUnknownFields: true }), [/^spec\.preserveUnknownFields: Forbidden/]],
    [
      definition({ conversion: { strategy: 'Webhook' } }),
      [/^spec\.conversion\.strategy: Unsupported value: "Webhook".*does not call conversion webhooks/],
    ],
    [definition({ conversion: { strategy: 'Magic' } }), [/^spec\.conversion\.strategy: Unsupported value/]],
    [definition({ versions: [] }), [/^spec\.versions: .*exactly one version marked as storage/]],
    [definition({}, spec, { storage: false }), [/exactly one version marked as storage/]],
    [definition({}, spec, { name: 'V1' }), [/^spec\.versions\[0\]\.name: .*DNS-1035/]],
    [definition({}, spec, { schema: undefined }), [/openAPIV3Schema: Required value: schemas are required/]],
    [
      definition({}, spec, {
        additionalPrinterColumns: [
          { name: '', type: 'x', jsonPath: 'spec' },
          { name: 'a', type: 'string', jsonPath: '.a[' },
        ],
      }),
      [
        /Columns\[0\]\.name: Required/,
        /Columns\[0\]\.type: .*must be one of/,
        /Columns\[0\]\.jsonPath: .*begins with a dot/,
        /Columns\[1\]\.jsonPath: .*invalid json path/,
      ],
    ],
    [
      definition({}, spec, { subresources: { scale: { specReplicasPath: '.status.a', statusReplicasPath: '' } } }),
      [/specReplicasPath: .*under \.spec\./, /statusReplicasPath: Required/],
    ],
  ];
  for (const [crd, wanted] of table) {
    const faults = faultsOf(crd);
    assert.equal(faults.length, wanted.length, faults.join('\n'));
    for (const [index, expression] of wanted.entries()) assert.match(faults[index] ?? '', expression);
    assert.deepEqual(readCrd(crd).types, []);
  }
});

test('a schema that is not structural is refused, with the node that is wrong', () => {
  const list = (change: object, items: object = { type: 'object', properties: { a: text }, required: ['a'] }) => ({
    type: 'array',
    items,
    ...change,
  });
  const table: readonly (readonly [schema: object, faults: readonly RegExp[]])[] = [
    [{ properties: {} }, [/\.type: Required/]],
    [{ type: 'thing' }, [/\.type: Unsupported value: "thing"/]],
    [{ type: 'array' }, [/\.items: Required/]],
    [{ type: 'array', items: [text] }, [/\.items: Forbidden/, /\.items: Required/]],
    [{ type: 'object', properties: { a: {} } }, [/properties\[a\]\.type: Required/]],
    [{ type: 'object', $ref: '#/x' }, [/\.\$ref: Forbidden/]],
    [{ type: 'object', additionalProperties: false }, [/additionalProperties: Forbidden/]],
    [{ type: 'object', additionalProperties: true, properties: { a: text } }, [/mutually exclusive/]],
    [{ type: 'string', pattern: '(' }, [/\.pattern: .*valid regular expression/]],
    [{ type: 'string', 'x-kubernetes-int-or-string': true }, [/\.type: Forbidden/]],
    [{ type: 'array', items: text, uniqueItems: true }, [/uniqueItems: Forbidden/]],
    [{ type: 'object', anyOf: [{ type: 'object' }] }, [/anyOf\[0\]\.type: Forbidden: must be empty to be structural/]],
    [{ type: 'object', not: { properties: { a: { default: 1 } } } }, [/not\.properties\[a\]\.default: Forbidden/]],
    [
      { type: 'object', allOf: [{ 'x-kubernetes-int-or-string': true }] },
      [/allOf\[0\]\.x-kubernetes-int-or-string: Forbidden/],
    ],
    [list({ 'x-kubernetes-list-type': 'heap' }), [/list-type: Unsupported/]],
    [{ type: 'object', 'x-kubernetes-list-type': 'set' }, [/\.type: .*must be array/]],
    [list({ 'x-kubernetes-list-map-keys': ['a'] }), [/must be empty if x-kubernetes-list-type is not map/]],
    [list({ 'x-kubernetes-list-type': 'map' }), [/list-map-keys: Required/]],
    [
      list({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['b'] }),
      [/list-map-keys\[0\]: .*property of items/],
    ],
    [
      list(
        { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a'] },
        { type: 'object', properties: { a: text } },
      ),
      [/a\.default: Required/],
    ],
    [list({ 'x-kubernetes-list-type': 'set' }), [/map-type: .*must be atomic/]],
    [{ type: 'string', 'x-kubernetes-map-type': 'atomic' }, [/\.type: .*must be object/]],
    [{ type: 'string', 'x-kubernetes-preserve-unknown-fields': true }, [/must be object or array/]],
    [{ type: 'object', 'x-kubernetes-embedded-resource': true }, [/\.properties: Required/]],
    [
      { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
      [/properties\[a\]\.default: .*must be of type integer/],
    ],
    [
      { type: 'object', properties: { a: { type: 'object', default: { b: 1 } } } },
      [/default: .*must not have unknown fields/],
    ],
    [rule({ rule: '' }), [/validations\[0\]\.rule: Required/]],
    [rule({ rule: 'self.' }), [/validations\[0\]\.rule: .*compilation failed/]],
    [rule({ rule: 'nothing == 1' }), [/compilation failed: Unknown variable: nothing/]],
    [rule({ rule: 'true', reason: 'Because' }), [/\.reason: Unsupported/]],
    [rule({ rule: 'true', messageExpression: '1 +' }), [/messageExpression: .*compilation failed/]],
    [rule({ rule: 'true', message: 'a\nb' }), [/message must not contain line breaks/]],
    [rule({ rule: 'true', fieldPath: 'a b' }), [/fieldPath: .*valid path/]],
    [rule({ rule: 'true', optionalOldSelf: true }), [/optionalOldSelf: .*may not be set/]],
    [
      { type: 'array', items: { ...text, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } },
      [/uncorrelatable/],
    ],
  ];
  for (const [schema, wanted] of table) {
    const faults = faultsOf(definition({}, schema));
    assert.equal(faults.length, wanted.length, `${JSON.stringify(schema)}\n${faults.join('\n')}`);
    for (const [index, expression] of wanted.entries()) {
      assert.match(faults[index] ?? '', expression);
      assert.equal((faults[index] ?? '').slice(0, SPEC.length), SPEC);
    }
  }
});

test('the root is an object whose metadata may be narrowed by name only', () => {
  const root = (schema: object) => faultsOf(definition({}, spec, { schema: { openAPIV3Schema: schema } }));
  assert.match(root({ type: 'string' })[0] ?? '', /must be object at the root/);
  assert.match(
    root({
      type: 'object',
      properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
    })[0] ?? '',
    /only name and generateName/,
  );
  const named = {
    type: 'object',
    properties: { metadata: { type: 'object', properties: { name: { type: 'string', pattern: '^a' } } } },
  };
  assert.deepEqual(root(named), []);
});

test('what is allowed in structural schemas is allowed', () => {
  const schema = {
    type: 'object',
    oneOf: [{ required: ['a'] }, { required: ['b'], properties: { b: { minimum: 1 } } }],
    properties: {
      a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^x' },
      b: { type: 'integer', default: 3, nullable: true },
      c: { 'x-kubernetes-preserve-unknown-fields': true },
      d: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
      e: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { ...rule({ rule: 'self.name == oldSelf.name' }), properties: { name: text }, required: ['name'] },
      },
      f: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
  assert.deepEqual(faultsOf(definition({}, schema)), []);
});

test('a schema without end is refused, not followed', () => {
  let deep: object = text;
  for (let level = 0; level < 400; level += 1) deep = { type: 'object', properties: { a: deep } };
  assert.match(faultsOf(definition({}, deep))[0] ?? '', /nested 128 levels deep/);
});

test('the status says that the definition is served, and remembers versions and times', () => {
  const first = crdStatus(definition(), new Date('2026-01-01T00:00:00.5Z')) as Record<string, object[]>;
  assert.deepEqual(first.acceptedNames, {
    plural: 'widgets',
    kind: 'Widget',
    singular: 'widget',
    listKind: 'WidgetList',
    shortNames: ['wd'],
    categories: ['all'],
  });
  assert.deepEqual(first.storedVersions, ['v1']);
  assert.deepEqual(
    (first.conditions ?? []).map((condition) => Object.values(condition).slice(0, 2)),
    [
      ['NamesAccepted', 'True'],
      ['Established', 'True'],
    ],
  );
  const moved = {
    ...definition({}, spec, { name: 'v2' }),
    status: { ...first, conditions: [...(first.conditions ?? []), { type: 'Own', status: 'True' }] },
  };
  const second = crdStatus(moved, new Date('2026-02-01T00:00:00Z')) as Record<
    string,
    { lastTransitionTime?: string }[]
  >;
  assert.deepEqual(second.storedVersions, ['v1', 'v2']);
  assert.equal(second.conditions?.[0]?.lastTransitionTime, '2026-01-01T00:00:00Z');
  assert.equal(second.conditions?.length, 3);
});

test('the published definitions refer to the common metadata', () => {
  const published = publishedDefinitions(readCrd(definition()).types[0]!);
  assert.deepEqual(Object.keys(published), ['com.example.v1.Widget', 'com.example.v1.WidgetList']);
  const widget = published['com.example.v1.Widget'] as Record<string, Record<string, unknown>>;
  assert.deepEqual(widget['x-kubernetes-group-version-kind'], [
    { group: 'example.com', version: 'v1', kind: 'Widget' },
  ]);
  assert.deepEqual(Object.keys(widget.properties ?? {}), ['spec', 'apiVersion', 'kind', 'metadata']);
});

test('whatever a definition holds, reading it does not throw', () => {
  const keys = [
    'spec',
    'group',
    'names',
    'plural',
    'kind',
    'versions',
    'schema',
    'openAPIV3Schema',
    'type',
    'properties',
    'items',
  ];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, 1, true, '', 'object', 'array', 'a.b'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
    ),
  }));
  fc.assert(
    fc.property(value, value, (given, schema) => {
      const odd = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, spec: given } as KubeObject;
      readCrd(odd);
      crdStatus(odd, new Date(0));
      readCrd(definition({}, (schema ?? {}) as object));
    }),
    { numRuns: 1000 },
  );
});
