import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContinueExpired, ContinueInvalid, ListPages } from './pages.ts';
import type { StoredObject } from './stored-object.ts';

const items = (count: number): StoredObject[] =>
  Array.from({ length: count }, (_, index) => {
    const name = `item-${index}`;
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name } };
    return { key: name, object, json: JSON.stringify(object), revision: index + 1 };
  });

test('pages together are the list, at one revision, and say how much is left', () => {
  const pages = new ListPages();
  const all = items(25);
  const first = pages.first('pods', { revision: 40, items: all }, 10);
  assert.equal(first.items.length, 10);
  assert.equal(first.remaining, 15);
  const second = pages.next('pods', first.continue ?? '', 10);
  const third = pages.next('pods', second.continue ?? '', 10);
  assert.deepEqual([...first.items, ...second.items, ...third.items], all);
  assert.deepEqual([second.revision, third.revision], [40, 40]);
  assert.equal(third.continue, undefined);
  // A token can be used again, as after a lost answer.
  assert.deepEqual(pages.next('pods', first.continue ?? '', 10).items, second.items);
});

test('a list that fits in one page needs no token', () => {
  const page = new ListPages().first('pods', { revision: 1, items: items(3) }, 3);
  assert.equal(page.continue, undefined);
});

test('tokens expire with time, with compaction and with the number of lists', () => {
  let now = 0;
  const pages = new ListPages(() => now);
  const list = () => pages.first('pods', { revision: 1, items: items(3) }, 1).continue ?? '';
  const old = list();
  now += 6 * 60_000;
  assert.throws(() => pages.next('pods', old, 1), ContinueExpired);
  const cleared = list();
  pages.clear();
  assert.throws(() => pages.next('pods', cleared, 1), ContinueExpired);
  const crowded = list();
  for (let index = 0; index < 200; index += 1) list();
  assert.throws(() => pages.next('pods', crowded, 1), ContinueExpired);
});

test('a token is good for its own list only, and nonsense is told from age', () => {
  const pages = new ListPages();
  const token = pages.first('pods', { revision: 1, items: items(3) }, 1).continue ?? '';
  assert.throws(() => pages.next('secrets', token, 1), ContinueExpired);
  for (const nonsense of [
    'x',
    '%%%',
    Buffer.from('{"v":2}').toString('base64url'),
    Buffer.from('{"v":1,"id":"a","offset":-1}').toString('base64url'),
  ])
    assert.throws(() => pages.next('pods', nonsense, 1), ContinueInvalid, nonsense);
});
