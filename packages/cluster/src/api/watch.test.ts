import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

let bench: Bench;

before(async () => {
  bench = await new Bench().start();
});

after(() => bench.remove());

let serial = 0;

/** A namespace of its own for each test. */
const namespace = async (): Promise<string> => {
  serial += 1;
  const name = `watch-${serial}`;
  await bench.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name } } });
  return `/api/v1/namespaces/${name}/configmaps`;
};

const create = (path: string, name: string, labels: object = {}) =>
  bench.ask(path, { method: 'POST', body: { metadata: { name, labels } } });

const merge = (path: string, body: object) =>
  bench.ask(path, { method: 'PATCH', body, headers: { 'content-type': 'application/merge-patch+json' } });

test('a watch without a revision begins with what is there, then tells each change', async () => {
  const path = await namespace();
  await create(path, 'a');
  const watch = await bench.watch(`${path}?watch=true`);
  await watch.until(({ events }) => events.length === 1);
  await create(path, 'b');
  await merge(`${path}/a`, { data: { x: '1' } });
  await bench.ask(`${path}/b`, { method: 'DELETE' });
  await watch.until(({ events }) => events.length === 4);
  assert.deepEqual(watch.summary, ['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
  const revisions = watch.events.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.deepEqual(
    revisions,
    [...revisions].sort((left, right) => left - right),
  );
  watch.close();
});

test('a watch from a list misses nothing and repeats nothing', async () => {
  const path = await namespace();
  await create(path, 'a');
  const { json: list } = await bench.ask(path);
  await create(path, 'b');
  const watch = await bench.watch(`${path}?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
  await create(path, 'c');
  await watch.until(({ events }) => events.length === 2);
  assert.deepEqual(watch.summary, ['ADDED b', 'ADDED c']);
  watch.close();
});

test('an object that enters a selection is added, one that leaves is deleted', async () => {
  const path = await namespace();
  await create(path, 'a');
  const watch = await bench.watch(`${path}?watch=true&labelSelector=on%3Dyes`);
  await merge(`${path}/a`, { metadata: { labels: { on: 'yes' } } });
  await merge(`${path}/a`, { data: { x: '1' } });
  const { json: left } = await merge(`${path}/a`, { metadata: { labels: { on: 'no' } } });
  await merge(`${path}/a`, { data: { x: '2' } });
  await create(path, 'z', { on: 'yes' });
  await watch.until(({ events }) => events.length === 4);
  assert.deepEqual(watch.summary, ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED z']);
  // The last state that was selected, at the revision of the change.
  assert.equal(watch.events[2].object.metadata.labels.on, 'yes');
  assert.equal(watch.events[2].object.metadata.resourceVersion, left.metadata.resourceVersion);
  watch.close();
});

test('a streaming list ends with a bookmark that says so', async () => {
  const path = await namespace();
  await create(path, 'a');
  await create(path, 'b');
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const watch = await bench.watch(`${path}?${query}`);
  await watch.until(({ events }) => events.length === 3);
  assert.deepEqual(watch.summary, ['ADDED a', 'ADDED b', 'BOOKMARK']);
  const { metadata } = watch.events[2].object;
  assert.equal(metadata.annotations['k8s.io/initial-events-end'], 'true');
  assert.equal(metadata.resourceVersion, String(bench.server.store.revision));
  watch.close();
  const wrong = await bench.ask(`${path}?watch=true&sendInitialEvents=true`);
  assert.equal(wrong.status, 422);
  assert.match(wrong.json.message, /resourceVersionMatch/);
});

test('an empty streaming list is a bookmark alone', async () => {
  const path = await namespace();
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const watch = await bench.watch(`${path}?${query}`);
  await watch.until(({ events }) => events.length === 1);
  assert.equal(watch.events[0].type, 'BOOKMARK');
  watch.close();
});

test('history that is gone is told as 410 in the stream', async () => {
  const path = await namespace();
  const { json } = await create(path, 'a');
  await create(path, 'b');
  bench.server.store.compact();
  const watch = await bench.watch(`${path}?watch=true&resourceVersion=${json.metadata.resourceVersion}`);
  await watch.until(({ ended }) => ended);
  assert.equal(watch.status, 200);
  assert.deepEqual(
    watch.events.map(({ type, object }) => [type, object.code, object.reason]),
    [['ERROR', 410, 'Expired']],
  );
});

test('a watch ends properly when its time is over', async () => {
  const path = await namespace();
  const watch = await bench.watch(`${path}?watch=true&timeoutSeconds=1`);
  await watch.until(({ ended }) => ended);
  assert.deepEqual(watch.events, []);
});

test('watches of metadata and of tables have their forms', async () => {
  const path = await namespace();
  await create(path, 'a');
  const metadata = await bench.watch(`${path}?watch=true`, {
    accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  });
  const table = await bench.watch(`${path}?watch=true`, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
  await create(path, 'b');
  await metadata.until(({ events }) => events.length === 2);
  await table.until(({ events }) => events.length === 2);
  assert.deepEqual(Object.keys(metadata.events[1].object).sort(), ['apiVersion', 'kind', 'metadata']);
  assert.equal(metadata.events[1].object.kind, 'PartialObjectMetadata');
  const [first, second] = table.events.map(({ object }) => object);
  assert.equal(first.kind, 'Table');
  assert.equal(first.columnDefinitions[0].name, 'Name');
  assert.equal(second.columnDefinitions.length, 0);
  assert.equal(second.rows[0].cells[0], 'b');
  metadata.close();
  table.close();
});

test('a reader that stops reading costs no queue, and finds everything when it goes on', async () => {
  const path = await namespace();
  const watch = await bench.watch(`${path}?watch=true`);
  await create(path, 'big');
  await watch.until(({ events }) => events.length === 1);
  watch.pause();
  for (let index = 0; index < 120; index += 1)
    await merge(`${path}/big`, { data: { x: `${index}-${'x'.repeat(50_000)}` } });
  watch.resume();
  await watch.until(({ events }) => events.length === 121);
  assert.match(watch.events[120].object.data.x, /^119-/);
  watch.close();
});
