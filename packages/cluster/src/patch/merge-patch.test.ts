import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyMergePatch } from './merge-patch.ts';

/** The examples of RFC 7386, appendix A. */
const EXAMPLES: readonly (readonly [object: unknown, patch: unknown, result: unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

for (const [object, patch, result] of EXAMPLES)
  test(`merge patch ${JSON.stringify(patch)} of ${JSON.stringify(object)}`, () => {
    const before = structuredClone(object);
    assert.deepEqual(applyMergePatch(object, patch), result);
    assert.deepEqual(object, before);
  });

test('what a merge patch does not speak of is shared', () => {
  const object = { spec: { a: 1 }, status: { b: 2 } };
  assert.equal(Reflect.get(applyMergePatch(object, { status: { b: 3 } }), 'spec'), object.spec);
});

test('a merge patch cannot change the prototype', () => {
  const result = applyMergePatch({}, JSON.parse('{"__proto__": {"admin": true}, "a": {"__proto__": {"b": 1}}}'));
  assert.deepEqual(result, { a: {} });
  assert.equal(Reflect.get(result, 'admin'), undefined);
});
