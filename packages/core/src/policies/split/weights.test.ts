import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { flatten, MAX_TOTAL_WEIGHT, type Share } from './weights.ts';

type Splits = Readonly<Record<string, Readonly<Record<string, number>>>>;

const sharesOf = (weights: Readonly<Record<string, number>>): readonly Share<string>[] =>
  Object.entries(weights).map(([item, weight]) => ({ item, weight }));

function flat(splits: Splits, apex = 'apex'): Readonly<Record<string, number>> {
  const expand = (item: string) => (splits[item] === undefined ? undefined : sharesOf(splits[item]));
  const shares = flatten(sharesOf(splits[apex] ?? {}), (item) => item, expand, [apex]);
  return Object.fromEntries(shares.map(({ item, weight }) => [item, weight]));
}

const cases: readonly [string, Splits, Readonly<Record<string, number>>][] = [
  ['plain weights stay as they are', { apex: { a: 50, b: 50 } }, { a: 50, b: 50 }],
  ['a zero stays', { apex: { a: 100, b: 0 } }, { a: 100, b: 0 }],
  ['all zero is nowhere', { apex: { a: 0, b: 0 } }, {}],
  ['no backends is nowhere', { apex: {} }, {}],
  ['the apex among its backends', { apex: { apex: 1, a: 3 } }, { apex: 1, a: 3 }],
  ['a backend that is split', { apex: { a: 1, b: 1 }, b: { c: 1, d: 3 } }, { a: 4, c: 1, d: 3 }],
  ['two ways to one place', { apex: { a: 1, b: 1 }, b: { a: 1, c: 1 } }, { a: 3, c: 1 }],
  ['unequal wholes', { apex: { a: 1, b: 1 }, a: { c: 1, d: 2 }, b: { e: 1, f: 4 } }, { c: 5, d: 10, e: 3, f: 12 }],
  ['a circle ends', { apex: { a: 1 }, a: { b: 1 }, b: { a: 1, c: 1 } }, { a: 1, c: 1 }],
  ['a split to nowhere below keeps its share', { apex: { a: 1, b: 1 }, b: { c: 0 } }, { a: 1, b: 1 }],
  ['a zero above wins', { apex: { a: 1, b: 0 }, b: { c: 7 } }, { a: 1, c: 0 }],
];
for (const [name, splits, weights] of cases) test(name, () => assert.deepEqual(flat(splits), weights));

test('weights fit into a route of Envoy, and nothing becomes nothing', () => {
  const weight = fc.nat({ max: 2_147_483_647 });
  fc.assert(
    fc.property(fc.array(weight, { maxLength: 8 }), fc.array(weight, { maxLength: 8 }), (outer, inner) => {
      const name = (prefix: string) => (value: number, index: number) => [`${prefix}${index}`, value] as const;
      const apex = Object.fromEntries(outer.map(name('a')));
      const result = flat({ apex, a0: Object.fromEntries(inner.map(name('b'))) });
      const total = Object.values(result).reduce((sum, value) => sum + value, 0);
      assert.ok(total <= MAX_TOTAL_WEIGHT && Object.values(result).every(Number.isSafeInteger));
      for (const [key, value] of Object.entries(apex))
        if (key !== 'a0' && total > 0) assert.equal(result[key] === 0, value === 0);
    }),
  );
});
