import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { pathTexts } from './field-set.ts';
import { ownersOf } from './owners.ts';
import { schemaOf } from './testing/schemas.ts';
import { trackManagedFields } from './track.ts';

const POD = schemaOf('v1', 'Pod');
const MAP = schemaOf('v1', 'ConfigMap');

const configMap = (data: object, metadata: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map', ...metadata }, data }) as KubeObject;

const track = (live: KubeObject | undefined, updated: KubeObject, manager: string, minute = 0, subresource = '') =>
  trackManagedFields({
    live,
    updated,
    manager,
    operation: 'Update',
    schema: updated.kind === 'Pod' ? POD : MAP,
    subresource,
    apiVersion: 'v1',
    now: new Date(Date.UTC(2026, 0, 1, 0, minute)),
  });

const owned = (object: KubeObject) =>
  Object.fromEntries(
    ownersOf(object.metadata.managedFields).map(({ manager, fields }) => [manager, pathTexts(fields)]),
  );

/** The same object as a client sends it back. */
const sentBack = (object: KubeObject, change: object): KubeObject => ({ ...structuredClone(object), ...change });

test('the creator owns everything but what identifies the object', () => {
  const created = track(undefined, configMap({ a: '1' }, { uid: 'u', labels: { x: 'y' } }), 'creator');
  assert.deepEqual(created.metadata.managedFields, [
    {
      manager: 'creator',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:data': { '.': {}, 'f:a': {} },
        'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } },
      },
    },
  ]);
});

test('an update that changes nothing leaves the entries as they are', () => {
  const live = track(undefined, configMap({ a: '1' }), 'creator');
  const again = track(live, sentBack(live, {}), 'editor', 5);
  assert.equal(again.metadata.managedFields, live.metadata.managedFields);
});

test('a client that sends no managed fields, or broken ones, does not change them', () => {
  const live = track(undefined, configMap({ a: '1' }), 'creator');
  for (const managedFields of [
    undefined,
    null,
    [],
    [{ manager: 'x', operation: 'Steal' }],
    'x',
    [{ operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { a: 1 } }],
  ])
    assert.deepEqual(owned(track(live, configMap({ a: '1' }, { managedFields }), 'x')), {
      creator: ['.data', '.data.a'],
    });
});

test('a client may change owners, but not through a subresource', () => {
  const live = track(undefined, configMap({ a: '1', b: '1' }), 'creator');
  const entry = {
    manager: 'heir',
    operation: 'Apply',
    apiVersion: 'v1',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:data': { 'f:a': {} } },
  };
  const updated = configMap({ a: '1', b: '1' }, { managedFields: [entry] });
  assert.deepEqual(owned(track(live, updated, 'x')), { heir: ['.data.a'] });
  assert.deepEqual(owned(track(live, updated, 'x', 0, 'status')), { creator: ['.data', '.data.a', '.data.b'] });
});

test('the same manager through another subresource or version is another owner', () => {
  const live = track(undefined, configMap({ a: '1' }), 'one');
  const twice = track(live, sentBack(live, { data: { a: '1', b: '2' } }), 'one', 1, 'status');
  assert.equal(twice.metadata.managedFields?.length, 2);
  const once = track(live, sentBack(live, { data: { a: '1', b: '2' } }), 'one', 1);
  assert.equal(once.metadata.managedFields?.length, 1);
  assert.deepEqual(owned(once), { one: ['.data', '.data.a', '.data.b'] });
});

test('who owns nothing any more is forgotten', () => {
  const live = track(undefined, configMap({ a: '1' }), 'one');
  const next = track(live, sentBack(live, { data: undefined }), 'two');
  assert.equal(next.metadata.managedFields, undefined);
});

test('many updaters are folded into one', () => {
  let live = track(undefined, configMap({}), 'creator');
  for (let index = 0; index < 30; index += 1)
    live = track(live, sentBack(live, { data: { ...(live.data as object), [`k${index}`]: 'x' } }), `m${index}`, index);
  const owners = owned(live);
  assert.equal(Object.keys(owners).length, 10);
  assert.equal(owners['ancient-changes']?.length, 22);
  assert.deepEqual(owners.m29, ['.data.k29']);
});

test('inputs are not changed', () => {
  const live = track(undefined, configMap({ a: '1' }), 'one');
  const updated = sentBack(live, { data: { b: '2' } });
  const before = structuredClone([live, updated]);
  track(live, updated, 'two');
  assert.deepEqual([live, updated], before);
});

const container = (index: number) => ({
  name: `c${index}`,
  image: `image:${index}`,
  env: Array.from({ length: 30 }, (_, item) => ({ name: `E${item}`, value: 'x' })),
  ports: Array.from({ length: 5 }, (_, item) => ({ containerPort: 8000 + item, protocol: 'TCP' })),
  volumeMounts: Array.from({ length: 5 }, (_, item) => ({ name: `v${item}`, mountPath: `/v${item}` })),
});

const podStatus = (ready: boolean) => ({
  phase: 'Running',
  conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
    type,
    status: String(ready),
  })),
  containerStatuses: [0, 1, 2, 3].map((index) => ({ name: `c${index}`, ready, restartCount: 0 })),
});

test('the status update of a large pod costs less than a millisecond', () => {
  const created = track(
    undefined,
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'pod' },
      spec: { containers: [0, 1, 2, 3].map(container) },
      status: podStatus(false),
    } as KubeObject,
    'creator',
  );
  const updates = [true, false].map((ready) => sentBack(created, { status: podStatus(ready) }));
  const times: number[] = [];
  let live = created;
  for (let round = 0; round < 300; round += 1) {
    const start = performance.now();
    const updated = { ...(updates[round % 2] as KubeObject), spec: live.spec, metadata: live.metadata };
    live = track(live, updated, 'kubelet', 0, 'status');
    times.push(performance.now() - start);
  }
  const median = times.sort((left, right) => left - right)[150] ?? Number.NaN;
  assert.ok(median < 1, `${median} ms`);
  assert.deepEqual(Object.keys(owned(live)), ['creator', 'kubelet']);
});
