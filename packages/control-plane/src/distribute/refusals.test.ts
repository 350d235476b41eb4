import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE_URL } from '@osm/envoy';
import { TYPES } from '@osm/kube';
import { createMetrics } from '../admin/metrics.ts';
import { createStatusWriter } from '../status/writer.ts';
import { silentLog } from '../testing.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { createRefusals } from './refusals.ts';

const { listener, cluster: clusterType } = TYPE_URL;

function setUp() {
  const cluster = createTestCluster();
  const metrics = createMetrics();
  const lines: object[] = [];
  const writer = createStatusWriter(cluster.client, silentLog);
  const log = { ...silentLog, error: (line: object) => lines.push(line) };
  const refusals = createRefusals({ writer, log, metrics, now: () => new Date(0) });
  const pod = cluster.put(TYPES.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop' },
  });
  const proxy = { connectionId: 'c1', commonName: 'u.sidecar.web.shop', pod };
  const events = async (): Promise<string[]> => {
    await writer.idle();
    const { items } = await cluster.client.list(TYPES.coreEvents);
    return items.map(({ type, reason, message, involvedObject }) => {
      assert.equal((involvedObject as { uid: string }).uid, pod.metadata.uid);
      return `${type} ${reason}: ${message}`;
    });
  };
  const standing = async (): Promise<number> => {
    const { values } = await metrics.refusedResources.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  return { refusals, proxy, lines, events, standing };
}

test('a refused resource is told on the pod, in the log and as a metric, until the proxy has it', async () => {
  const { refusals, proxy, lines, events, standing } = setUp();
  refusals.refused(proxy, listener, new Map([['in', 'v2']]), 'no such filter');
  const refused = 'Warning ConfigurationRefused: Envoy refused Listener in, and keeps the former one: no such filter';
  assert.deepEqual(await events(), [refused]);
  assert.equal(await standing(), 1);
  assert.equal((lines[0] as { resource: string }).resource, 'in');

  refusals.recovered(proxy, clusterType, ['in']);
  assert.equal(await standing(), 1);
  refusals.recovered(proxy, listener, ['in']);
  assert.deepEqual(await events(), [
    refused,
    'Normal ConfigurationAccepted: Envoy has what it should have of Listener in again',
  ]);
  assert.equal(await standing(), 0);
});

test('a resource that is refused again in another version counts once', async () => {
  const { refusals, proxy, events, standing } = setUp();
  refusals.refused(proxy, listener, new Map([['in', 'v2']]), 'no');
  refusals.refused(proxy, listener, new Map([['in', 'v3']]), 'neither');
  assert.equal(await standing(), 1);
  assert.match((await events()).at(-1) ?? '', /neither$/);
});

test('what a proxy that is gone refused does not count', async () => {
  const { refusals, proxy, standing } = setUp();
  refusals.refused(proxy, listener, new Map([['in', 'v2']]), 'no');
  refusals.forget('c1');
  assert.equal(await standing(), 0);
});

test('one pod does not get Events without end', async () => {
  const { refusals, proxy, lines, events, standing } = setUp();
  const names = Array.from({ length: 30 }, (_, index): [string, string] => [`c${index}`, 'v1']);
  refusals.refused(proxy, clusterType, new Map(names), 'no');
  assert.equal((await events()).length, 8);
  assert.equal(await standing(), 30);
  assert.equal(lines.length, 30);
});

test('a proxy without a known pod is told of in the log', async () => {
  const { refusals, proxy, lines, events } = setUp();
  refusals.refused({ ...proxy, pod: undefined }, listener, new Map([['in', 'v2']]), 'no');
  assert.deepEqual(await events(), []);
  assert.equal(lines.length, 1);
});
