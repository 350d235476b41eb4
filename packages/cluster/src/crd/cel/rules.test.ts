import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSchema } from '../../schema/structural.ts';
import { deepFreeze } from '../../store/fields.ts';
import { validateCel } from './rules.ts';

const text = { type: 'string' };
const rules = (...given: readonly object[]) => ({ 'x-kubernetes-validations': given });
const ofSpec = (schema: object) => readSchema({ type: 'object', properties: { spec: schema } });

type Case = readonly [
  schema: object,
  now: unknown,
  before: unknown,
  faults: readonly (readonly [string, string, RegExp])[],
];

const V = 'FieldValueInvalid';
const integer = { type: 'integer' };

const cases: readonly Case[] = [
  [{ ...integer, ...rules({ rule: 'self > 3' }) }, 4, undefined, []],
  [
    { ...integer, ...rules({ rule: 'self > 3' }) },
    3,
    undefined,
    [['spec', V, /^Invalid value: 3: failed rule: self > 3$/]],
  ],
  [{ ...integer, ...rules({ rule: 'self > 3', message: 'too small' }) }, 3, undefined, [['spec', V, /: too small$/]]],
  [
    {
      type: 'object',
      properties: { a: integer },
      ...rules({ rule: 'self.a > 3', message: 'plain', messageExpression: "'a is %d'.format([self.a])" }),
    },
    { a: 2 },
    undefined,
    [['spec', V, /^Invalid value: "object": a is 2$/]],
  ],
  [
    {
      type: 'object',
      properties: { a: integer },
      ...rules({ rule: 'self.a > 3', message: 'plain', messageExpression: 'self.b' }),
    },
    { a: 2 },
    undefined,
    [['spec', V, /: plain$/]],
  ],
  [
    {
      type: 'object',
      properties: { a: integer },
      ...rules({ rule: 'self.a > 3', reason: 'FieldValueForbidden', fieldPath: '.a', message: 'no' }),
    },
    { a: 2 },
    undefined,
    [['spec.a', 'FieldValueForbidden', /^Forbidden: no$/]],
  ],
  [
    { type: 'object', properties: { a: integer }, ...rules({ rule: 'self.b == 1' }) },
    { a: 1 },
    undefined,
    [['spec', V, /No such key: b/]],
  ],
  // Two rules, both told; rules at every depth.
  [
    {
      type: 'object',
      properties: { list: { type: 'array', items: { ...text, ...rules({ rule: "self != 'x'" }) } } },
      ...rules({ rule: 'self.list.size() > 5' }, { rule: 'self.list.size() < 1' }),
    },
    { list: ['a', 'x'] },
    undefined,
    [
      ['spec', V, /> 5/],
      ['spec', V, /< 1/],
      ['spec.list[1]', V, /failed rule/],
    ],
  ],
  [
    { type: 'object', additionalProperties: { ...integer, ...rules({ rule: 'self == 1' }) } },
    { a: 1, b: 2 },
    undefined,
    [['spec.b', V, /./]],
  ],
  // Changes.
  [{ ...text, ...rules({ rule: 'self == oldSelf', message: 'immutable' }) }, 'a', undefined, []],
  [{ ...text, ...rules({ rule: 'self == oldSelf', message: 'immutable' }) }, 'a', 'a', []],
  [{ ...text, ...rules({ rule: 'self == oldSelf', message: 'immutable' }) }, 'b', 'a', [['spec', V, /immutable/]]],
  [
    { ...integer, ...rules({ rule: '!oldSelf.hasValue() || self >= oldSelf.value()', optionalOldSelf: true }) },
    1,
    undefined,
    [],
  ],
  [
    { ...integer, ...rules({ rule: '!oldSelf.hasValue() || self >= oldSelf.value()', optionalOldSelf: true }) },
    1,
    2,
    [['spec', V, /./]],
  ],
  [
    {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: { name: text, size: integer },
        ...rules({ rule: 'self.size >= oldSelf.size' }),
      },
    },
    [
      { name: 'new', size: 0 },
      { name: 'a', size: 1 },
    ],
    [{ name: 'a', size: 2 }],
    [['spec[1]', V, /./]],
  ],
  // Values as CEL sees them.
  [
    { type: 'string', format: 'date-time', ...rules({ rule: "self < timestamp('2026-01-01T00:00:00Z')" }) },
    '2025-01-01T00:00:00Z',
    undefined,
    [],
  ],
  [{ type: 'string', format: 'duration', ...rules({ rule: "self <= duration('1h')" }) }, '30m', undefined, []],
  [{ type: 'string', format: 'byte', ...rules({ rule: 'self.size() == 3' }) }, 'YWJj', undefined, []],
  [{ type: 'number', ...rules({ rule: 'self == 1.0 && self < 2.0' }) }, 1, undefined, []],
  [
    { 'x-kubernetes-int-or-string': true, ...rules({ rule: "type(self) == int ? self < 100 : self.endsWith('%')" }) },
    50,
    undefined,
    [],
  ],
  [
    { 'x-kubernetes-int-or-string': true, ...rules({ rule: "type(self) == int ? self < 100 : self.endsWith('%')" }) },
    '50%',
    undefined,
    [],
  ],
  [
    {
      type: 'object',
      properties: {
        'a-b': integer,
        'c.d': integer,
        namespace: integer,
        x__y: integer,
        map: { type: 'object', additionalProperties: integer },
      },
      ...rules({
        rule: "self.a__dash__b + self.c__dot__d + self.__namespace__ + self.x__underscores__y + self.map['k-1'] == 5",
      }),
    },
    { 'a-b': 1, 'c.d': 1, namespace: 1, x__y: 1, map: { 'k-1': 1 } },
    undefined,
    [],
  ],
  [
    { type: 'object', properties: { a: { ...text, nullable: true } }, ...rules({ rule: 'self.a == null' }) },
    { a: null },
    undefined,
    [],
  ],
];

test('rules hold or are told, with their message, reason and place', () => {
  for (const [schema, now, before, wanted] of cases) {
    const object = deepFreeze({ spec: now });
    const faults = validateCel(ofSpec(schema), object, before === undefined ? undefined : deepFreeze({ spec: before }));
    assert.deepEqual(
      faults.map(({ path, reason }) => [path, reason]),
      wanted.map(([path, reason]) => [path, reason]),
      `${JSON.stringify(schema)} ${JSON.stringify(now)} ${JSON.stringify(faults)}`,
    );
    for (const [index, [, , message]] of wanted.entries()) assert.match(faults[index]?.message ?? '', message);
  }
});

test('on an update a rule about change needs an old value there', () => {
  const schema = ofSpec({ type: 'object', properties: { a: { ...text, ...rules({ rule: 'self == oldSelf' }) } } });
  assert.deepEqual(validateCel(schema, { spec: { a: 'x' } }, { spec: {} }), []);
  assert.equal(validateCel(schema, { spec: { a: 'x' } }, { spec: { a: 'y' } }).length, 1);
});

test('a schema without rules costs nothing, and rules on absent values are not looked at', () => {
  assert.deepEqual(validateCel(ofSpec(text), { spec: 1 }), []);
  assert.deepEqual(validateCel(ofSpec({ ...text, ...rules({ rule: 'false' }) }), {}), []);
});

test('rules that cost too much refuse the object in bounded time', () => {
  const many = Array.from({ length: 1000 }, (_, index) => index);
  const costly = {
    type: 'array',
    items: integer,
    ...rules({ rule: 'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))' }),
  };
  const started = performance.now();
  const faults = validateCel(ofSpec(costly), { spec: many });
  assert.match(faults[0]?.message ?? '', /cost of the rules is above the limit/);
  assert.ok(performance.now() - started < 5000);
});
