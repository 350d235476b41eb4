import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remember, rememberList } from './remember.ts';

test('a value is made once for the same keys', () => {
  let calls = 0;
  const make = remember((part: { readonly n: number }, name: string, other: object | undefined) => {
    calls += 1;
    return { text: `${part.n}${name}`, other };
  });
  const part = { n: 1 };
  const first = make(part, 'a', undefined);
  assert.equal(make(part, 'a', undefined), first);
  assert.equal(calls, 1);
  const other = {};
  const differing = [make(part, 'b', undefined), make({ n: 1 }, 'a', undefined), make(part, 'a', other)];
  for (const value of differing) assert.notEqual(value, first);
  assert.equal(make(part, 'a', other), differing[2]);
  assert.equal(calls, 4);
});

test('undefined is remembered as any other value', () => {
  let calls = 0;
  const make = remember((_part: object): string | undefined => {
    calls += 1;
    return undefined;
  });
  const part = {};
  make(part);
  make(part);
  assert.equal(calls, 1);
});

test('lists of the same objects in the same order give the same value', () => {
  const make = rememberList((parts: readonly object[], name: string, other: object | undefined) => {
    return { count: parts.length, name, other };
  });
  const [a, b, other] = [{}, {}, {}];
  const first = make([a, b], 'x', other);
  assert.equal(make([a, b], 'x', other), first);
  const differing = [make([b, a], 'x', other), make([a], 'x', other), make([a, b], 'y', other), make([a, b], 'x', {})];
  for (const value of [...differing, make([a, b], 'x', undefined)]) assert.notEqual(value, first);
});
