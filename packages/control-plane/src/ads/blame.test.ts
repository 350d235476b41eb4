import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blamedNames, splitRefused } from './blame.ts';

const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['Error adding/updating listener(s) in: no, out: no', ['in', 'out', 'other'], ['in', 'out']],
  ['Error adding/updating cluster(s) shop/db|80: bad', ['shop/db', 'shop/db|80'], ['shop/db|80']],
  ['listener outbound-2 is bad', ['outbound', 'outbound-2'], ['outbound-2']],
  ['inbound is bad', ['in'], []],
  ["'a.b' and a", ['a', 'a.b'], ['a', 'a.b']],
  ['Überlauf in ü', ['ü'], ['ü']],
  ['', ['a', ''], []],
];

for (const [error, names, blamed] of CASES) {
  test(`blames ${JSON.stringify(blamed)} in ${JSON.stringify(error)}`, () =>
    assert.deepEqual(blamedNames(error, names), blamed));
}

test('the innocent go first, together; without names, halves', () => {
  assert.deepEqual(splitRefused('b and d', ['a', 'b', 'c', 'd']), [['a', 'c'], ['b'], ['d']]);
  assert.deepEqual(splitRefused('all of a b', ['a', 'b']), [['a'], ['b']]);
  assert.deepEqual(splitRefused('?', ['a', 'b', 'c']), [['a', 'b'], ['c']]);
});
