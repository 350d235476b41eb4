import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, TYPES } from '@osm/kube';
import { defineThings } from './testing/definitions.ts';
import { refused, WatchRecord } from './testing/expect.ts';
import { configMap } from './testing/objects.ts';
import { ask, client, ownNamespace, uniqueName } from './testing/server.ts';

/** Watches: what is told, in which order, and how they end. */
const namespace = ownNamespace('watches');
const COLLECTION = `/api/v1/namespaces/${namespace}/configmaps`;

const make = (name: string, labels: Readonly<Record<string, string>>): Promise<KubeObject> =>
  client.create(TYPES.configMaps, configMap(name, {}, labels), { namespace });
const merge = (name: string, body: object): Promise<KubeObject> =>
  client.patch(TYPES.configMaps, name, 'merge', body, { namespace });
const remove = (name: string): Promise<void> => client.delete(TYPES.configMaps, name, { namespace });

test('a watch from a list tells each change once, in order', async () => {
  const run = uniqueName('run');
  await make('first', { run });
  const { metadata } = await client.list(TYPES.configMaps, { namespace });
  await make('second', { run });
  const watch = new WatchRecord(TYPES.configMaps, {
    namespace,
    labelSelector: `run=${run}`,
    resourceVersion: metadata.resourceVersion,
  });
  await merge('first', { data: { x: '1' } });
  await remove('second');
  await remove('first');
  const events = await watch.end(4);
  assert.deepEqual(watch.told, ['ADDED second', 'MODIFIED first', 'DELETED second', 'DELETED first']);
  const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
  // A deletion is a change of its own, with a version of its own.
  assert.deepEqual(
    versions,
    [...new Set(versions)].sort((one, two) => one - two),
  );
  assert.deepEqual(events[3]?.object.data, { x: '1' });
});

test('a watch without a version begins with what is there', async () => {
  const run = uniqueName('run');
  await make('present', { run });
  for (const resourceVersion of ['', '0']) {
    const watch = new WatchRecord(TYPES.configMaps, { namespace, labelSelector: `run=${run}`, resourceVersion });
    await watch.end(1);
    assert.deepEqual(watch.told, ['ADDED present']);
  }
});

test('what enters a selection is added, what leaves it is deleted', async () => {
  const run = uniqueName('run');
  const { metadata } = await make('moves', { run });
  const watch = new WatchRecord(TYPES.configMaps, {
    namespace,
    labelSelector: `run=${run},on=yes`,
    resourceVersion: metadata.resourceVersion ?? '',
  });
  await merge('moves', { metadata: { labels: { on: 'yes' } } });
  await merge('moves', { data: { x: '1' } });
  const left = await merge('moves', { metadata: { labels: { on: 'no' } } });
  await merge('moves', { data: { x: '2' } });
  await merge('moves', { metadata: { labels: { on: 'yes' } } });
  const events = await watch.end(4);
  assert.deepEqual(watch.told, ['ADDED moves', 'MODIFIED moves', 'DELETED moves', 'ADDED moves']);
  // The last state that was selected, at the version of the change that took it out.
  assert.equal(events[2]?.object.metadata.labels?.on, 'yes');
  assert.equal(events[2]?.object.metadata.resourceVersion, left.metadata.resourceVersion);
});

test('one object is watched by its name, over its end and a new one of the same name', async () => {
  const { metadata } = await make('single', {});
  const watch = new WatchRecord(TYPES.configMaps, {
    namespace,
    fieldSelector: 'metadata.name=single',
    resourceVersion: metadata.resourceVersion ?? '',
  });
  await make('another', {});
  await remove('single');
  const next = await make('single', {});
  const events = await watch.end(2);
  assert.deepEqual(watch.told, ['DELETED single', 'ADDED single']);
  assert.equal(events[0]?.object.metadata.uid, metadata.uid);
  assert.equal(events[1]?.object.metadata.uid, next.metadata.uid);
  assert.notEqual(metadata.uid, next.metadata.uid);
  assert.ok(Number(events[0]?.object.metadata.resourceVersion) > Number(metadata.resourceVersion));
});

test('a watch of a deleted object from before its deletion still tells of it', async () => {
  const { metadata } = await make('short', {});
  await remove('short');
  const watch = new WatchRecord(TYPES.configMaps, {
    namespace,
    fieldSelector: 'metadata.name=short',
    resourceVersion: metadata.resourceVersion ?? '',
  });
  const [event] = await watch.end(1);
  assert.equal(event?.type, 'DELETED');
  assert.equal(event?.object.metadata.uid, metadata.uid);
});

const eventsOf = (text: string): readonly { readonly type: string; readonly object: KubeObject }[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('a watch ends when its time is over, and a bookmark before that tells how far it came', async () => {
  const { metadata } = await client.list(TYPES.configMaps, { namespace });
  const query = `watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=3`;
  const reply = ask(`${COLLECTION}?${query}&allowWatchBookmarks=true&labelSelector=none%3Dsuch`);
  const without = ask(`${COLLECTION}?${query}&labelSelector=none%3Dsuch`);
  const { metadata: later } = await make('not-selected', {});
  const events = eventsOf((await reply).text);
  assert.deepEqual([...new Set(events.map(({ type }) => type))], ['BOOKMARK']);
  const bookmark = events.at(-1)?.object;
  assert.equal(bookmark?.kind, 'ConfigMap');
  assert.ok(Number(bookmark?.metadata.resourceVersion) >= Number(later.resourceVersion));
  assert.deepEqual(eventsOf((await without).text), []);
});

test('a streamed list: what is there, then a bookmark that ends it', async () => {
  const run = uniqueName('run');
  await make('streamed', { run });
  const query = `watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1`;
  const { text } = await ask(`${COLLECTION}?${query}&labelSelector=run%3D${run}`);
  const [added, bookmark] = eventsOf(text);
  assert.equal(`${added?.type} ${added?.object.metadata.name}`, 'ADDED streamed');
  assert.equal(bookmark?.type, 'BOOKMARK');
  assert.equal(bookmark?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
});

test('history that is gone is told as 410', async () => {
  // A type that has just come to be has no history from before.
  const type = await defineThings('watches');
  const error = await refused(new WatchRecord(type, { namespace, resourceVersion: '1' }).end(1), 410, 'Expired');
  assert.match(error.message, /too old resource version/);
});
