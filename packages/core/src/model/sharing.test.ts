import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sameParts, share, stage } from './sharing.ts';

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.string(),
    fc.constant(undefined),
    tie('list'),
    tie('record'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  record: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
  map: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), tie('value')), { maxLength: 3 })
    .map((entries) => new Map(entries)),
})).value;

test('what is shared equals what was to be shared, and an equal value is the former one', () => {
  fc.assert(
    fc.property(plain, plain, (former, next) => {
      const before = structuredClone(next);
      const shared = share(former, next);
      assert.deepEqual(shared, before);
      assert.equal(share(shared, structuredClone(before)), shared);
    }),
  );
});

test('parts that are equal keep their identity beside parts that are not', () => {
  const former = share(undefined, { a: [{ x: 1 }], b: new Map([['k', { y: 1 }]]), c: 1 });
  const next = share(former, { a: [{ x: 1 }], b: new Map([['k', { y: 1 }]]), c: 2 });
  assert.notEqual(next, former);
  assert.equal(next.a, former.a);
  assert.equal(next.b, former.b);
  assert.ok(Object.isFrozen(next) && Object.isFrozen(next.a[0]));
});

test('what moves to another place of a list stays the same object', () => {
  const former = share(undefined, [{ x: 1 }, { x: 2 }]);
  const next = share(former, [{ x: 0 }, ...former]);
  assert.deepEqual(next, [{ x: 0 }, { x: 1 }, { x: 2 }]);
  assert.equal(next[1], former[0]);
  assert.equal(next[2], former[1]);
});

test('a map in another order is another map', () => {
  const former = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  const next = share(
    former,
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  );
  assert.deepEqual([...next.keys()], ['b', 'a']);
});

test('a stage computes only when an input is another object', () => {
  const input = {};
  let runs = 0;
  const compute = (_: object): object => ({ run: Math.min(++runs, 1) });
  const first = stage(undefined, [input], compute);
  assert.equal(stage(first, [input], compute), first);
  assert.equal(runs, 1);
  const second = stage(first, [{}], compute);
  assert.equal(runs, 2);
  assert.equal(second.output, first.output);
});

test('records of shared parts are compared part by part', () => {
  const part = {};
  const former = { part };
  assert.equal(sameParts(former, { part }), former);
  assert.notEqual(sameParts(former, { part: {} }), former);
});
