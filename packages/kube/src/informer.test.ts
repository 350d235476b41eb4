import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, status, until } from './testing/https-server.ts';
import { describe, startInformer } from './testing/informer-bench.ts';
import type { Change, KubeObject } from './types.ts';

test('lists once, then follows: added, updated with the old object, deleted', async () => {
  const { server, informer, log, errors } = await startInformer({ before: (s) => s.put('a') });
  await informer.synced;
  assert.deepEqual(log, ['added a']);
  await until(() => server.watches === 1);
  const updates: Change[] = [];
  informer.subscribe((change) => updates.push(change));
  server.put('b');
  server.put('a', { data: { x: 'y' } });
  server.remove('b');
  await until(() => log.length === 4);
  assert.deepEqual(log, ['added a', 'added b', 'updated a', 'deleted b']);
  const update = updates.find((change) => change.type === 'updated');
  assert.deepEqual(update?.object.data, { x: 'y' });
  assert.equal(update?.type === 'updated' && update.old.data, undefined);
  assert.equal(informer.get('default/a'), update?.object);
  assert.deepEqual([...informer.objects.keys()], ['default/a']);
  assert.equal(server.lists.length, 1);
  assert.equal(server.watched[0]?.get('resourceVersion'), '101');
  assert.deepEqual(errors, []);
});

test('ten thousand objects come in pages of 500', async () => {
  const { server, informer, log } = await startInformer({
    before: (s) => {
      for (let i = 0; i < 10_000; i++) s.put(`o${i}`);
    },
  });
  await informer.synced;
  assert.equal(informer.objects.size, 10_000);
  assert.equal(log.length, 10_000);
  assert.equal(server.lists.length, 20);
  assert.ok(server.lists.every((query) => query.get('limit') === '500'));
  assert.equal(new Set(server.lists.map((query) => query.get('continue'))).size, 20);
  const [first] = informer.objects.values();
  assert.deepEqual([first?.apiVersion, first?.kind], ['v1', 'ConfigMap']);
});

test('a bookmark moves the version on', async () => {
  const { server, informer } = await startInformer({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  server.bookmark();
  server.endWatches();
  await until(() => server.watched.length === 2);
  assert.equal(server.watched[1]?.get('resourceVersion'), '102');
});

test('an event that repeats what is known is no change', async () => {
  const { server, informer, log } = await startInformer();
  await informer.synced;
  await until(() => server.watches === 1);
  const object = server.put('a');
  for (const type of ['ADDED', 'MODIFIED']) server.write(JSON.stringify({ type, object }));
  server.write(
    JSON.stringify({ type: 'DELETED', object: { ...object, metadata: { ...object.metadata, name: 'never' } } }),
  );
  server.put('b');
  await until(() => log.includes('added b'));
  assert.deepEqual(log, ['added a', 'added b']);
});

test('objects are frozen through and through, and slim when projected', async () => {
  const project = (object: KubeObject): KubeObject => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name: object.metadata.name },
    size: Object.keys((object.data ?? {}) as object).length,
  });
  const { server, informer, log } = await startInformer({
    project,
    before: (s) => s.put('a', { data: { x: '1', y: '2' } }),
  });
  await informer.synced;
  const object = informer.get('default/a');
  assert.deepEqual(object, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, size: 2 });
  assert.ok(Object.isFrozen(object) && Object.isFrozen(object?.metadata));
  await until(() => server.watches === 1);
  server.put('a', { data: {} });
  server.remove('a');
  await until(() => log.length === 3);
  assert.deepEqual(log, ['added a', 'updated a', 'deleted a']);
});

test('a listener sees what is there, then every change; others are not disturbed by one that throws', async () => {
  const { server, informer, errors, log } = await startInformer({
    before: (s) => {
      s.put('a');
      s.put('b');
    },
  });
  await informer.synced;
  const seen: string[] = [];
  const late: string[] = [];
  informer.subscribe(() => {
    throw new Error('listener');
  });
  const unsubscribe = informer.subscribe((change) => {
    seen.push(describe(change));
    if (describe(change) === 'added c') informer.subscribe((c) => late.push(describe(c)));
    if (describe(change) === 'added d') unsubscribe();
  });
  assert.deepEqual(seen, ['added a', 'added b']);
  await until(() => server.watches === 1);
  server.put('c');
  server.put('d');
  server.put('e');
  await until(() => log.length === 5);
  assert.deepEqual(seen, ['added a', 'added b', 'added c', 'added d']);
  assert.deepEqual(late, ['added a', 'added b', 'added c', 'added d', 'added e'], 'each exactly once');
  assert.ok(errors.length === 5 && errors.every((error) => (error as Error).message === 'listener'));
});

test('stop ends everything at once', async () => {
  const { server, informer, log } = await startInformer({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  server.put('b');
  informer.stop();
  await until(() => server.watches === 0);
  assert.deepEqual(log, ['added a']);
  assert.equal(server.watched.length, 1);

  // Also while it waits, and while it lists.
  const waiting = await startInformer({
    wait: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    before: (s) => {
      s.intercept = (_, response) => {
        json(response, 500, status(500, 'InternalError'));
        return true;
      };
    },
  });
  await until(() => waiting.errors.length === 1);
  waiting.informer.stop();
  const listing = await startInformer({
    before: (s) => {
      s.intercept = () => true;
    },
  });
  await until(() => listing.server.lists.length === 1);
  listing.informer.stop();
  await until(() => listing.server.http.connections.size === 0, 'that the request is given up');
  assert.equal(listing.errors.length, 0);
});

test('a listener that stops the informer hears no more', async () => {
  const { informer, log } = await startInformer({
    before: (s) => {
      for (const name of ['a', 'b', 'c']) s.put(name);
    },
  });
  const seen: string[] = [];
  informer.subscribe((change) => {
    seen.push(describe(change));
    informer.stop();
  });
  await until(() => seen.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen, ['added a']);
  assert.deepEqual(log, ['added a']);
});

test('a closed client ends its informers', async () => {
  const { server, client, informer, errors, waits } = await startInformer({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  client.close();
  await until(() => server.http.connections.size === 0);
  await new Promise((resolve) => setImmediate(resolve));
  server.put('b');
  assert.deepEqual(errors, []);
  assert.ok(waits.length <= 1);
  assert.deepEqual([...informer.objects.keys()], ['default/a']);
});
