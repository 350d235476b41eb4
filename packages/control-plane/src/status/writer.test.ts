import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type KubeObject, TYPES } from '@osm/kube';
import { MESH_TYPES } from '../ingest/types.ts';
import { silentLog } from '../testing.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { eventOf } from './event.ts';
import { createStatusWriter } from './writer.ts';

const type = MESH_TYPES.ingressBackends;

function setUp() {
  const cluster = createTestCluster();
  const object = cluster.put(type, {
    apiVersion: 'policy.openservicemesh.io/v1alpha1',
    kind: 'IngressBackend',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {},
  });
  const writer = createStatusWriter(cluster.client, silentLog, { baseMs: 1, capMs: 1 });
  const sent = (verb: string): number => cluster.calls.filter((call) => call.startsWith(verb)).length;
  const stored = (): KubeObject => cluster.read(type, 'web', 'shop') as KubeObject;
  return { cluster, object, writer, sent, stored };
}

const COMMITTED = { currentStatus: 'committed' };
const ERROR = { currentStatus: 'error' };

test('a status is written once, and not at all when it is there already', async () => {
  const { cluster, object, writer, sent, stored } = setUp();
  writer.status(type, object, COMMITTED);
  writer.status(type, object, COMMITTED);
  await writer.idle();
  assert.equal(sent('patch'), 1);
  assert.deepEqual(stored().status, COMMITTED);
  const other = createStatusWriter(cluster.client, silentLog);
  other.status(type, stored(), COMMITTED);
  await other.idle();
  assert.equal(sent('patch'), 1);
});

test('a status goes back to what it was, though the object that the writer sees tells so all along', async () => {
  const { writer, stored, cluster } = setUp();
  const object = cluster.put(type, { ...stored(), status: COMMITTED });
  for (const [status, count] of [
    [ERROR, 1],
    [COMMITTED, 2],
    [ERROR, 3],
  ] as const) {
    writer.status(type, object, status);
    await writer.idle();
    assert.deepEqual(
      [stored().status, cluster.calls.filter((call) => call.startsWith('patch')).length],
      [status, count],
    );
  }
});

test('what fails is tried again, and the newest status is what is written', async () => {
  const { cluster, object, writer, stored } = setUp();
  const failed = new Promise<void>((resolve) => {
    cluster.fault = (verb) => {
      if (verb === 'patch') resolve();
      return new ApiError(500, 'InternalError', 'away');
    };
  });
  writer.status(type, object, ERROR);
  await failed;
  cluster.fault = undefined;
  writer.status(type, object, COMMITTED);
  await writer.idle();
  assert.deepEqual(stored().status, COMMITTED);
});

test('an object that is gone is let go', async () => {
  const { cluster, object, writer, sent } = setUp();
  cluster.remove(type, 'web', 'shop');
  writer.status(type, object, ERROR);
  await writer.idle();
  assert.equal(sent('patch'), 1);
});

test('the same Event of two writers is one object', async () => {
  const { cluster, object, writer } = setUp();
  const event = (at: number) => eventOf(object, 'Warning', 'InvalidPolicy', 'spec.x: is wrong', 'spec.x', new Date(at));
  writer.event(event(0));
  await writer.idle();
  const other = createStatusWriter(cluster.client, silentLog);
  other.event(event(1000));
  await other.idle();
  const { items } = await cluster.client.list(TYPES.coreEvents);
  assert.equal(items.length, 1);
  assert.equal(items[0]?.firstTimestamp, '1970-01-01T00:00:00.000Z');
  assert.equal(items[0]?.lastTimestamp, '1970-01-01T00:00:01.000Z');
});
