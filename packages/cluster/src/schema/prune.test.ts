import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '../store/fields.ts';
import { applySchemaDefaults } from './fill-defaults.ts';
import { pruneUnknown, unknownFields } from './prune.ts';
import { readSchema } from './structural.ts';

const text = { type: 'string' };
const schema = readSchema({
  type: 'object',
  properties: {
    name: text,
    list: { type: 'array', items: { type: 'object', properties: { a: text } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { a: text } } },
    anything: { type: 'object', additionalProperties: true },
    empty: { type: 'object' },
    kept: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { known: { type: 'object', properties: { a: text } } },
    },
    pod: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } },
    free: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    port: { 'x-kubernetes-int-or-string': true },
  },
});

const cases: readonly (readonly [given: object, kept: object, unknown: readonly string[]])[] = [
  [{ name: 'a' }, { name: 'a' }, []],
  [{ name: 'a', other: 1 }, { name: 'a' }, ['other']],
  [{ list: [{ a: 'x', b: 1 }, { c: { d: 1 } }] }, { list: [{ a: 'x' }, {}] }, ['list[0].b', 'list[1].c']],
  [{ map: { k: { a: 'x', b: 1 } } }, { map: { k: { a: 'x' } } }, ['map.k.b']],
  [{ anything: { a: { b: 1 } } }, { anything: { a: { b: 1 } } }, []],
  [{ empty: { a: 1 } }, { empty: {} }, ['empty.a']],
  [
    { kept: { other: { x: 1 }, known: { a: 'x', b: 1 } } },
    { kept: { other: { x: 1 }, known: { a: 'x' } } },
    ['kept.known.b'],
  ],
  [
    { pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', odd: 1 }, spec: { a: 1 }, other: 1 } },
    { pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: {} } },
    ['pod.metadata.odd', 'pod.spec.a', 'pod.other'],
  ],
  [
    { free: { kind: 'X', metadata: { odd: 1, labels: { a: 'b' } }, spec: { a: 1 } } },
    { free: { kind: 'X', metadata: { labels: { a: 'b' } }, spec: { a: 1 } } },
    ['free.metadata.odd'],
  ],
  [{ port: 80, name: null, list: 'wrong', map: 3 }, { port: 80, name: null, list: 'wrong', map: 3 }, []],
];

test('unknown fields are found and pruned, nothing else', () => {
  for (const [given, kept, unknown] of cases) {
    deepFreeze(given);
    assert.deepEqual(unknownFields(schema, given), unknown);
    assert.deepEqual(pruneUnknown(schema, given), kept);
  }
});

test('an object in which nothing is unknown stays the same object', () => {
  const object = { list: [{ a: 'x' }], map: { k: { a: 'y' } } };
  assert.equal(pruneUnknown(schema, object), object);
  const odd = { ...object, other: 1 };
  assert.equal((pruneUnknown(schema, odd) as typeof object).list, object.list);
});

test('a hundred unknown fields are enough to tell', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, index]));
  assert.equal(unknownFields(schema, many).length, 100);
});

test('a field called __proto__ is pruned like any other and sets nothing', () => {
  const object = JSON.parse('{"__proto__": {"a": 1}, "map": {"__proto__": {"a": "x", "b": 1}}}') as object;
  const pruned = pruneUnknown(schema, object) as { map: object };
  assert.deepEqual(Object.keys(pruned), ['map']);
  assert.deepEqual(Object.keys(pruned.map), ['__proto__']);
  assert.equal(Object.getPrototypeOf(pruned.map), Object.prototype);
});

const withDefaults = readSchema({
  type: 'object',
  properties: {
    size: { type: 'integer', default: 3 },
    color: { type: 'string', default: 'red', nullable: true },
    nested: {
      type: 'object',
      default: {},
      properties: {
        on: { type: 'boolean', default: true },
        deep: { type: 'object', properties: { a: { type: 'string', default: 'x' } } },
      },
    },
    list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', default: 'x' } } } },
    map: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { a: { type: 'string', default: 'x' } } },
    },
    pod: {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      properties: { spec: { type: 'object', default: { a: 1 }, 'x-kubernetes-preserve-unknown-fields': true } },
    },
    bare: { type: 'string' },
  },
});

test('defaults are filled in where the field is absent, or null where null is not allowed', () => {
  const base = { size: 3, color: 'red', nested: { on: true } };
  const table: readonly (readonly [object, object])[] = [
    [{}, base],
    [
      { size: 0, color: '', nested: {} },
      { ...base, size: 0, color: '' },
    ],
    [
      { size: null, color: null },
      { ...base, color: null },
    ],
    [{ nested: { on: false, deep: {} } }, { ...base, nested: { on: false, deep: { a: 'x' } } }],
    [
      { list: [{}, { a: 'y' }], map: { k: {} } },
      { ...base, list: [{ a: 'x' }, { a: 'y' }], map: { k: { a: 'x' } } },
    ],
    [
      { bare: null, pod: { kind: 'X' } },
      { ...base, bare: null, pod: { kind: 'X', spec: { a: 1 } } },
    ],
    [
      { nested: 'wrong', list: {}, map: [] },
      { size: 3, color: 'red', nested: 'wrong', list: {}, map: [] },
    ],
  ];
  for (const [given, wanted] of table) assert.deepEqual(applySchemaDefaults(withDefaults, deepFreeze(given)), wanted);
});

test('an object that lacks nothing stays the same object', () => {
  const object = { size: 1, color: 'blue', nested: { on: true }, list: [{ a: 'b' }] };
  assert.equal(applySchemaDefaults(withDefaults, object), object);
});

/** Objects that look like the schema now and then. */
const names = [
  'name',
  'list',
  'map',
  'kept',
  'known',
  'pod',
  'metadata',
  'free',
  'a',
  'b',
  'size',
  'nested',
  'deep',
  'on',
  '__proto__',
];
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 6 }),
  ),
})).value;
const objects = fc.dictionary(fc.constantFrom(...names), anything, { maxKeys: 8 });

test('pruning and defaulting never throw, never write, and change nothing the second time', () => {
  fc.assert(
    fc.property(objects, (object) => {
      deepFreeze(object);
      const pruned = pruneUnknown(schema, object);
      assert.deepEqual(pruneUnknown(schema, pruned), pruned);
      assert.deepEqual(unknownFields(schema, pruned), []);
      const filled = applySchemaDefaults(withDefaults, object);
      assert.deepEqual(applySchemaDefaults(withDefaults, filled), filled);
    }),
    { numRuns: 500 },
  );
});
