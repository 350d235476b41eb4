import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  difference,
  type FieldSet,
  insertPath,
  intersection,
  isEmptySet,
  type MutableFieldSet,
  pathTexts,
  readFieldSet,
  sameSet,
  union,
  withParents,
} from './field-set.ts';

/** Sets are checked against plain sets of paths. */
const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1');
const path = fc.array(element, { minLength: 1, maxLength: 4 });
const paths = fc.array(path, { maxLength: 8 });

const setOf = (list: readonly (readonly string[])[]): FieldSet => {
  const set: MutableFieldSet = {};
  for (const item of list) insertPath(set, item);
  return set;
};

const keysOf = (list: readonly (readonly string[])[]): ReadonlySet<string> =>
  new Set(list.map((item) => item.join(' ')));

const membersOf = (set: FieldSet, prefix = ''): ReadonlySet<string> =>
  new Set(
    Object.entries(set).flatMap(([name, node]) => {
      if (name === '.') return [];
      const here = `${prefix}${name}`;
      const member = node['.'] !== undefined || isEmptySet(node);
      return [...(member ? [here] : []), ...membersOf(node, `${here} `)];
    }),
  );

test('a set holds the paths that were put in', () => {
  fc.assert(fc.property(paths, (list) => assert.deepEqual(membersOf(setOf(list)), keysOf(list))));
});

for (const [name, operation, model] of [
  ['union', union, (left: ReadonlySet<string>, right: ReadonlySet<string>) => left.union(right)],
  ['intersection', intersection, (left: ReadonlySet<string>, right: ReadonlySet<string>) => left.intersection(right)],
  ['difference', difference, (left: ReadonlySet<string>, right: ReadonlySet<string>) => left.difference(right)],
] as const)
  test(`${name} is that of sets, in valid form, and changes neither side`, () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [one, two] = [setOf(left), setOf(right)];
        const before = structuredClone([one, two]);
        const result = operation(one, two);
        assert.deepEqual([...membersOf(result)].sort(), [...model(keysOf(left), keysOf(right))].sort());
        assert.notEqual(readFieldSet(result), undefined);
        assert.deepEqual([one, two], before);
      }),
    );
  });

test('a difference that takes nothing is the very set', () => {
  const set = setOf([['f:a', 'f:b'], ['f:c']]);
  assert.equal(difference(set, setOf([['f:a'], ['f:x']])), set);
});

test('equality does not depend on the order of insertion', () => {
  fc.assert(fc.property(paths, (list) => sameSet(setOf(list), setOf([...list].reverse()))));
});

test('parents are fields, not items of lists', () => {
  const set = withParents(setOf([['f:a', 'k:{"name":"x"}', 'f:b', 'f:c']]));
  assert.deepEqual(pathTexts(set), ['.a', '.a[name="x"].b', '.a[name="x"].b.c']);
});

const WRONG: readonly unknown[] = [
  null,
  'x',
  [],
  { a: {} },
  { 'f:a': 1 },
  { 'f:a': { '.': { 'f:b': {} } } },
  { 'k:x': {} },
  { 'v:': {} },
  { 'i:x': {} },
  JSON.parse('{"__proto__": {}}'),
  JSON.parse(`${'{"f:a":'.repeat(200)}{}${'}'.repeat(200)}`),
];

for (const value of WRONG)
  test(`${JSON.stringify(value)?.slice(0, 40)} is no set of fields`, () => {
    assert.equal(readFieldSet(value), undefined);
  });
