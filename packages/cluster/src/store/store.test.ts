import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { StateFile, StoreUnavailable } from './persistence.ts';
import { Store, StoreConflict } from './store.ts';

const object = (name: string, namespace = 'default', extra: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  ...extra,
});

const inDirectory = (run: (directory: string) => void): void => {
  const directory = mkdtempSync(join(tmpdir(), 'osm-store-'));
  try {
    run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

test('every write gets the next revision, in the object and in its JSON', () => {
  const store = new Store({ file: ':memory:' });
  const first = store.create('configmaps', 'default/a', object('a'));
  const second = store.create('configmaps', 'default/b', object('b'));
  assert.equal(second.revision, first.revision + 1);
  assert.equal(first.object.metadata.resourceVersion, String(first.revision));
  assert.deepEqual(JSON.parse(first.json), first.object);
  assert.equal(store.revision, second.revision);
});

test('stored objects are frozen to the bottom', () => {
  const store = new Store({ file: ':memory:' });
  const { object: stored } = store.create('configmaps', 'default/a', object('a', 'default', { data: { k: ['v'] } }));
  assert.throws(() => {
    (stored.data as { k: string[] }).k.push('w');
  }, TypeError);
});

test('writes on a state that is no longer true are refused and change nothing', () => {
  const store = new Store({ file: ':memory:' });
  const first = store.create('configmaps', 'default/a', object('a'));
  const second = store.replace('configmaps', 'default/a', object('a', 'default', { data: {} }), first.revision);
  const problem = (run: () => unknown): string | undefined => {
    try {
      run();
    } catch (error) {
      return error instanceof StoreConflict ? error.problem : String(error);
    }
    return undefined;
  };
  assert.equal(
    problem(() => store.create('configmaps', 'default/a', object('a'))),
    'exists',
  );
  assert.equal(
    problem(() => store.replace('configmaps', 'default/a', object('a'), first.revision)),
    'changed',
  );
  assert.equal(
    problem(() => store.remove('configmaps', 'default/a', first.revision)),
    'changed',
  );
  assert.equal(
    problem(() => store.replace('configmaps', 'default/x', object('x'), 1)),
    'missing',
  );
  assert.equal(store.get('configmaps', 'default/a'), second);
  assert.equal(store.revision, second.revision);
});

test('lists are in key order and a namespace shows its own objects only', () => {
  const store = new Store({ file: ':memory:' });
  for (const key of ['b/2', 'a/9', 'ab/1', 'a/1']) {
    const [namespace = '', name = ''] = key.split('/');
    store.create('configmaps', key, object(name, namespace));
  }
  assert.deepEqual(
    store.list('configmaps').map(({ key }) => key),
    ['a/1', 'a/9', 'ab/1', 'b/2'],
  );
  assert.deepEqual(
    store.list('configmaps', 'a').map(({ key }) => key),
    ['a/1', 'a/9'],
  );
  store.remove('configmaps', 'a/1', store.get('configmaps', 'a/1')?.revision ?? 0);
  assert.deepEqual(
    store.list('configmaps', 'a').map(({ key }) => key),
    ['a/9'],
  );
});

test('the history tells additions, changes and deletions with the state before', () => {
  const store = new Store({ file: ':memory:' });
  const start = store.revision;
  const first = store.create('configmaps', 'default/a', object('a'));
  const second = store.replace('configmaps', 'default/a', object('a', 'default', { data: { x: '1' } }), first.revision);
  const third = store.remove('configmaps', 'default/a', second.revision);
  const events = store.ring('configmaps').since(start);
  assert.deepEqual(
    events?.map(({ type, revision, previous }) => [type, revision, previous?.revision]),
    [
      ['ADDED', first.revision, undefined],
      ['MODIFIED', second.revision, first.revision],
      ['DELETED', third.revision, second.revision],
    ],
  );
  assert.equal(third.object.metadata.resourceVersion, String(third.revision));
});

test('history that has been forgotten is not passed off as no changes', () => {
  const store = new Store({ file: ':memory:', ringSize: 4 });
  const start = store.revision;
  for (let index = 0; index < 20; index += 1) store.create('configmaps', `default/${index}`, object(`${index}`));
  assert.equal(store.ring('configmaps').since(start), undefined);
  assert.equal(store.ring('configmaps').since(store.revision - 4)?.length, 4);
  assert.deepEqual(store.ring('configmaps').since(store.revision), []);
  store.compact();
  assert.equal(store.ring('configmaps').since(store.revision - 1), undefined);
});

test('the state comes back after a restart, revisions go on even after deletions', () => {
  inDirectory((directory) => {
    const file = join(directory, 'state.sqlite');
    const before = new Store({ file });
    const kept = before.create('configmaps', 'default/a', object('a'));
    const gone = before.create('configmaps', 'default/b', object('b'));
    const deletion = before.remove('configmaps', 'default/b', gone.revision);
    before.close();
    const after = new Store({ file });
    assert.equal(after.revision, deletion.revision);
    assert.deepEqual(after.get('configmaps', 'default/a')?.object, kept.object);
    assert.equal(after.get('configmaps', 'default/b'), undefined);
    // What happened before the restart is not in the history any more.
    assert.equal(after.ring('configmaps').since(kept.revision), undefined);
    assert.deepEqual(after.ring('configmaps').since(after.revision), []);
    after.close();
  });
});

test('a write that the file does not take has not happened, and the error names the file', () => {
  const store = new Store({ file: ':memory:' });
  const seen: string[] = [];
  store.subscribe('configmaps', () => seen.push('change'));
  const original = StateFile.prototype.put;
  StateFile.prototype.put = function refuse(this: StateFile) {
    throw new StoreUnavailable('/state.sqlite', new Error('database or disk is full'));
  };
  try {
    assert.throws(() => store.create('configmaps', 'default/a', object('a')), /\/state\.sqlite.*disk is full/);
  } finally {
    StateFile.prototype.put = original;
  }
  assert.equal(store.get('configmaps', 'default/a'), undefined);
  assert.deepEqual(seen, []);
  store.create('configmaps', 'default/a', object('a'));
  assert.deepEqual(seen, ['change']);
});

test('a state file that cannot be opened is named', () => {
  inDirectory((directory) => {
    assert.throws(() => new Store({ file: join(directory, 'missing', 'state.sqlite') }), StoreUnavailable);
  });
});

test('a full disk refuses the write with a clear error', () => {
  inDirectory((directory) => {
    const file = join(directory, 'state.sqlite');
    const limited = new StateFile(file);
    limited.limitPages(16);
    const big = 'x'.repeat(200_000);
    assert.throws(
      () => limited.put({ bucket: 'b', key: 'k', revision: 1, json: big }),
      (error) => error instanceof StoreUnavailable && error.message.includes(file) && /full/.test(error.message),
    );
    assert.deepEqual([...limited.objects()], []);
    limited.close();
  });
});
