import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadBuiltinSchemas } from './builtin.ts';
import { readSchema } from './structural.ts';
import { validateValue } from './values.ts';

type Case = readonly [
  schema: object,
  value: unknown,
  faults: readonly (readonly [path: string, reason: string, message: RegExp])[],
];

const T = 'FieldValueTypeInvalid';
const V = 'FieldValueInvalid';
const items = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name', 'port'] };

const cases: readonly Case[] = [
  // Types.
  [{ type: 'string' }, 'a', []],
  [{ type: 'string' }, 1, [['v', T, /^Invalid value: "integer": v in body must be of type string: "integer"$/]]],
  [{ type: 'integer' }, 1, []],
  [{ type: 'integer' }, 1.5, [['v', T, /must be of type integer: "number"/]]],
  [{ type: 'number' }, 1, []],
  [{ type: 'boolean' }, 'true', [['v', T, /must be of type boolean: "string"/]]],
  [{ type: 'object' }, [], [['v', T, /must be of type object: "array"/]]],
  [{ type: 'array', items: {} }, {}, [['v', T, /must be of type array: "object"/]]],
  [{ type: 'string' }, null, [['v', T, /must be of type string: "null"/]]],
  [{ type: 'string', nullable: true }, null, []],
  [{ 'x-kubernetes-int-or-string': true }, '80%', []],
  [{ 'x-kubernetes-int-or-string': true }, 80, []],
  [{ 'x-kubernetes-int-or-string': true }, 1.5, [['v', T, /integer or string/]]],
  [{ 'x-kubernetes-int-or-string': true }, null, [['v', T, /integer or string/]]],
  [{ 'x-kubernetes-preserve-unknown-fields': true }, [{ a: 1 }], []],
  // Objects.
  [{ type: 'object', required: ['a', 'b'] }, { a: 1 }, [['v.b', 'FieldValueRequired', /^Required value$/]]],
  [{ type: 'object', properties: { a: { type: 'string' } } }, { a: 1, b: 2 }, [['v.a', T, /v\.a in body/]]],
  [{ type: 'object', additionalProperties: { type: 'string' } }, { a: 'x', b: 2 }, [['v.b', T, /of type string/]]],
  [{ type: 'object', minProperties: 1 }, {}, [['v', V, /at least 1 properties/]]],
  [
    { type: 'object', maxProperties: 1 },
    { a: 1, b: 2 },
    [['v', 'FieldValueTooMany', /Too many: 2: must have at most 1 items/]],
  ],
  // Numbers.
  [
    { type: 'integer', minimum: 1, maximum: 3 },
    0,
    [['v', V, /^Invalid value: 0: v in body should be greater than or equal to 1$/]],
  ],
  [{ type: 'integer', minimum: 1, maximum: 3 }, 4, [['v', V, /less than or equal to 3/]]],
  [{ type: 'integer', minimum: 1, exclusiveMinimum: true }, 1, [['v', V, /greater than 1/]]],
  [{ type: 'integer', maximum: 1, exclusiveMaximum: true }, 1, [['v', V, /less than 1/]]],
  [{ type: 'number', multipleOf: 0.1 }, 0.3, []],
  [{ type: 'number', multipleOf: 0.5 }, 0.7, [['v', V, /multiple of 0.5/]]],
  [{ type: 'integer', format: 'int32' }, 2 ** 31, [['v', V, /of type int32/]]],
  // Strings.
  [{ type: 'string', minLength: 2 }, 'a', [['v', V, /at least 2 chars long/]]],
  [{ type: 'string', maxLength: 2 }, '😀😀', []],
  [{ type: 'string', maxLength: 2 }, 'abc', [['v', 'FieldValueTooLong', /may not be more than 2 bytes/]]],
  [{ type: 'string', pattern: '^a+$' }, 'b', [['v', V, /^Invalid value: "b": v in body should match '\^a\+\$'$/]]],
  [{ type: 'string', pattern: '(?i)^A+$' }, 'aa', []],
  [
    { type: 'string', enum: ['a', 'b'] },
    'c',
    [['v', 'FieldValueNotSupported', /^Unsupported value: "c": supported values: "a", "b"$/]],
  ],
  [{ type: 'object', enum: [{ a: [1] }] }, { a: [1] }, []],
  [{ type: 'string', format: 'date-time' }, '2026-01-02T03:04:05.6Z', []],
  [{ type: 'string', format: 'date-time' }, 'yesterday', [['v', V, /must be of type date-time: "yesterday"/]]],
  [{ type: 'string', format: 'not-a-format' }, 'x', []],
  // Lists.
  [{ type: 'array', items: { type: 'string' } }, ['a', 1], [['v[1]', T, /v\[1\] in body/]]],
  [{ type: 'array', items: {}, minItems: 2 }, [1], [['v', V, /at least 2 items/]]],
  [{ type: 'array', items: { type: 'string' }, maxItems: 1 }, [1, 2], [['v', 'FieldValueTooMany', /at most 1 items/]]],
  [
    { type: 'array', items: {}, 'x-kubernetes-list-type': 'set' },
    ['a', 'b', 'a'],
    [['v[2]', 'FieldValueDuplicate', /^Duplicate value: "a"$/]],
  ],
  [
    { type: 'array', items: { type: 'object', properties: { port: { type: 'integer', default: 1 } } }, ...items },
    [{ name: 'a', port: 1 }, { name: 'a' }, { name: 'a', port: 2 }],
    [['v[1]', 'FieldValueDuplicate', /\{"name":"a","port":1\}/]],
  ],
  [{ type: 'array', items: {}, 'x-kubernetes-list-type': 'atomic' }, ['a', 'a'], []],
  // All, any, one, none.
  [
    { type: 'object', allOf: [{ required: ['a'] }, { properties: { b: { minimum: 2 } } }] },
    { b: 1 },
    [
      ['v.a', 'FieldValueRequired', /./],
      ['v.b', V, /or equal to 2/],
    ],
  ],
  [{ type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { b: 1 }, []],
  [
    { type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    {},
    [['v', V, /"v" must validate at least one schema \(anyOf\)/]],
  ],
  [
    { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    {},
    [['v', V, /one and only one schema \(oneOf\)\. Found none valid/]],
  ],
  [
    { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    { a: 1, b: 1 },
    [['v', V, /Found 2 valid alternatives/]],
  ],
  [{ type: 'object', not: { required: ['a'] } }, { a: 1 }, [['v', V, /must not validate the schema \(not\)/]]],
  [{ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, '1', []],
  // Embedded resources.
  [
    { type: 'object', 'x-kubernetes-embedded-resource': true },
    {},
    [
      ['v.apiVersion', 'FieldValueRequired', /must not be empty/],
      ['v.kind', 'FieldValueRequired', /./],
    ],
  ],
  [
    { type: 'object', 'x-kubernetes-embedded-resource': true },
    { apiVersion: 'v1', kind: 1, metadata: { labels: { a: 1 } } },
    [
      ['v.kind', T, /of type string/],
      ['v.metadata.labels.a', T, /of type string/],
    ],
  ],
];

test('each rule of a schema is kept, and the fault says where and why', () => {
  for (const [schema, value, wanted] of cases) {
    const faults = validateValue(readSchema(schema), value, 'v');
    assert.deepEqual(
      faults.map(({ path, reason }) => [path, reason]),
      wanted.map(([path, reason]) => [path, reason]),
      `${JSON.stringify(schema)} ${JSON.stringify(value)} ${JSON.stringify(faults)}`,
    );
    for (const [index, [, , message]] of wanted.entries()) assert.match(faults[index]?.message ?? '', message);
  }
});

test('a value is not looked at further than it takes to refuse it', () => {
  const schema = readSchema({ type: 'array', items: { type: 'string' } });
  const faults = validateValue(schema, Array(10_000).fill(1), '');
  assert.ok(faults.length > 0 && faults.length <= 60);
});

const schemas = loadBuiltinSchemas(
  JSON.parse(readFileSync(new URL('../../../../gen/kubernetes-schema.json', import.meta.url), 'utf8')),
);

test('values of built-in kinds are checked by the published schema', () => {
  const pod = schemas.schemaOf('', 'v1', 'Pod')!;
  const faults = (container: object) =>
    validateValue(pod, { spec: { containers: [{ name: 'a', ...container }] } }, '').map(({ path }) =>
      path.replace('spec.containers[0].', ''),
    );
  assert.deepEqual(
    faults({ image: 'i', ports: [{ containerPort: 80 }], resources: { limits: { cpu: 1, memory: '1Gi' } } }),
    [],
  );
  assert.deepEqual(faults({ image: 1 }), ['image']);
  assert.deepEqual(faults({ ports: [{ name: 'x' }] }), ['ports[0].containerPort']);
  assert.deepEqual(faults({ resources: { limits: { cpu: 'lots', memory: true } } }), [
    'resources.limits.cpu',
    'resources.limits.memory',
  ]);
  assert.deepEqual(faults({ livenessProbe: { httpGet: { port: 1.5 } } }), ['livenessProbe.httpGet.port']);
  assert.deepEqual(faults({ env: null, image: null }), []);
  const secret = schemas.schemaOf('', 'v1', 'Secret')!;
  assert.deepEqual(
    validateValue(secret, { data: { a: 'not base64!' } }, '').map(({ path }) => path),
    ['data.a'],
  );
});

test('whatever the value, validation ends with faults or without', () => {
  const table = cases.map(([schema]) => readSchema(schema));
  const pod = schemas.schemaOf('', 'v1', 'Pod')!;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(cases.length - 1), (value, index) => {
      validateValue(table[index]!, value, '');
      validateValue(pod, { spec: value, metadata: value, status: value }, '');
    }),
  );
});
