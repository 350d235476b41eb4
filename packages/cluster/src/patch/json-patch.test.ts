import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyJsonPatch } from './json-patch.ts';
import { PatchError } from './patch-error.ts';

/** The examples of RFC 6902, appendix A, and what the RFC says of paths. */
const APPLIES: readonly (readonly [name: string, object: object, patch: object[], result: object])[] = [
  ['adds a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
  [
    'adds an item',
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    { foo: ['bar', 'qux', 'baz'] },
  ],
  ['appends', { foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['a'] }], { foo: ['bar', ['a']] }],
  ['removes a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  ['removes an item', { foo: ['a', 'b', 'c'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['a', 'c'] }],
  ['replaces', { baz: 'qux', foo: 'bar' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo', foo: 'bar' }],
  ['moves a member', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
  [
    'moves an item',
    { foo: ['a', 'b', 'c'] },
    [{ op: 'move', from: '/foo/0', path: '/foo/2' }],
    { foo: ['b', 'c', 'a'] },
  ],
  ['copies', { a: { b: [1] } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: [1] }, c: { b: [1] } }],
  ['tests', { a: { b: [1, null] } }, [{ op: 'test', path: '/a', value: { b: [1, null] } }], { a: { b: [1, null] } }],
  [
    'reads escapes',
    { 'a/b': 1, 'm~n': 2 },
    [
      { op: 'test', path: '/a~1b', value: 1 },
      { op: 'remove', path: '/m~0n' },
    ],
    { 'a/b': 1 },
  ],
  ['adds null', { a: 1 }, [{ op: 'add', path: '/b', value: null }], { a: 1, b: null }],
  ['ignores other members', { a: 1 }, [{ op: 'add', path: '/b', value: 2, note: 'x' }], { a: 1, b: 2 }],
  ['replaces what is not there yet', { a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], { a: 1, b: 2 }],
  ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ['does nothing', { a: 1 }, [], { a: 1 }],
];

for (const [name, object, patch, result] of APPLIES)
  test(`JSON patch ${name}, and leaves its input alone`, () => {
    const before = structuredClone(object);
    assert.deepEqual(applyJsonPatch(object, patch), result);
    assert.deepEqual(object, before);
  });

const REFUSED: readonly (readonly [name: string, object: object, patch: unknown, message: RegExp])[] = [
  ['what is no list', {}, { op: 'add' }, /must be a list/],
  ['what is no operation', {}, [1], /operation 0 .*not an object/],
  ['an unknown operation', {}, [{ op: 'spam', path: '/a', value: 1 }], /no known "op": "spam"/],
  ['a path that is no pointer', {}, [{ op: 'add', path: 'a', value: 1 }], /no valid "path"/],
  ['an add without value', {}, [{ op: 'add', path: '/a' }], /has no "value"/],
  ['a move without from', {}, [{ op: 'move', path: '/a' }], /no valid "from"/],
  [
    'a missing parent',
    { a: 1 },
    [{ op: 'add', path: '/b/c', value: 1 }],
    /add operation does not apply: doc is missing path: "\/b\/c"/,
  ],
  ['a removed stranger', { a: 1 }, [{ op: 'remove', path: '/b' }], /remove operation does not apply: .*"\/b"/],
  ['a replaced stranger', { a: 1 }, [{ op: 'replace', path: '/b/c', value: 1 }], /replace operation does not apply/],
  ['a missing source', { a: 1 }, [{ op: 'copy', from: '/x', path: '/b' }], /copy operation does not apply/],
  ['an index out of bounds', { a: [1] }, [{ op: 'add', path: '/a/3', value: 1 }], /add operation does not apply/],
  ['a test that fails', { a: 'secret' }, [{ op: 'test', path: '/a', value: 'x' }], /testing path \/a failed/],
  ['a document that is no object', { a: 1 }, [{ op: 'replace', path: '', value: 3 }], /leaves no object/],
  ['the prototype', {}, [{ op: 'add', path: '/__proto__/x', value: 1 }], /does not apply/],
  [
    'too many operations',
    {},
    Array(10_001).fill({ op: 'test', path: '', value: {} }),
    /maximum .* is 10000, got 10001/,
  ],
];

for (const [name, object, patch, message] of REFUSED)
  test(`JSON patch refuses ${name}`, () => {
    assert.throws(
      () => applyJsonPatch(object, patch),
      (error) => error instanceof PatchError && message.test(error.message),
    );
  });

test('a refused patch does not tell what is in the object', () => {
  const object = { data: { password: 'hidden' } };
  for (const operation of [
    { op: 'test', path: '/data/password', value: 'x' },
    { op: 'remove', path: '/data/none' },
    { op: 'add', path: '/data/password/x', value: 1 },
  ])
    assert.throws(
      () => applyJsonPatch(object, [operation]),
      ({ message }: Error) => !message.includes('hidden'),
    );
});

test('copies of copies are bounded', () => {
  const bomb = Array.from({ length: 30 }, (_, index) => ({ op: 'copy', from: '/a', path: `/a/x${index}` }));
  assert.throws(() => applyJsonPatch({ a: { t: 'x'.repeat(1000) } }, bomb), /copies .* too large/);
});
