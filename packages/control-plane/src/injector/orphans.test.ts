import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, TYPES } from '@osm/kube';
import { silentLog } from '../testing.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { createOrphanSweeper } from './orphans.ts';

const MINUTE = 60_000;

test('only the Secret of a pod that never came is deleted, and not too early', async (t) => {
  const cluster = createTestCluster();
  let now = 0;
  const sweeper = createOrphanSweeper(cluster.client, silentLog, () => now);
  t.after(() => sweeper.stop());
  for (const uuid of ['lost', 'found']) {
    cluster.put(TYPES.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `envoy-bootstrap-config-${uuid}`, namespace: 'shop' },
    });
    sweeper.made('shop', uuid);
  }
  cluster.put(TYPES.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'cart', namespace: 'shop', labels: { 'osm-proxy-uuid': 'found' } },
  });
  const left = (uuid: string): boolean =>
    cluster.read(TYPES.secrets, `envoy-bootstrap-config-${uuid}`, 'shop') !== undefined;
  now = 9 * MINUTE;
  await sweeper.sweep();
  assert.deepEqual([left('lost'), left('found')], [true, true]);
  now = 11 * MINUTE;
  cluster.fault = (verb) => (verb === 'list' ? new ApiError(0, 'Unreachable', 'away') : undefined);
  await sweeper.sweep();
  assert.deepEqual([left('lost'), left('found')], [true, true]);
  cluster.fault = undefined;
  await sweeper.sweep();
  assert.deepEqual([left('lost'), left('found')], [false, true]);
  const calls = cluster.calls.length;
  await sweeper.sweep();
  assert.equal(cluster.calls.length, calls);
});
