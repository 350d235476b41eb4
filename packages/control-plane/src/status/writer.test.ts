import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type KubeObject } from '@osm/kube';
import { MESH_TYPES } from '../ingest/types.ts';
import { silentLog } from '../testing.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { createStatusWriter } from './writer.ts';

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

test('a status is written once, and again when the object or the status changes', async () => {
  const cluster = createTestCluster();
  const type = MESH_TYPES.ingressBackends;
  const backend = (spec: object): KubeObject =>
    cluster.put(type, {
      apiVersion: 'policy.openservicemesh.io/v1alpha1',
      kind: 'IngressBackend',
      metadata: { name: 'web', namespace: 'shop' },
      spec,
    });
  const patches = (): number => cluster.calls.filter((call) => call.startsWith('patch')).length;
  const writer = createStatusWriter(cluster.client, silentLog);
  const object = backend({ a: 1 });
  const status = { currentStatus: 'committed' };
  writer.write(type, object, status);
  writer.write(type, object, status);
  await settle();
  assert.equal(patches(), 1);
  assert.deepEqual(cluster.read(type, 'web', 'shop')?.status, status);
  const stored = cluster.read(type, 'web', 'shop') as KubeObject;
  createStatusWriter(cluster.client, silentLog).write(type, stored, status);
  assert.equal(patches(), 1);
  cluster.fault = () => new ApiError(500, 'InternalError', 'away');
  writer.write(type, stored, { currentStatus: 'error' });
  await settle();
  cluster.fault = undefined;
  writer.write(type, stored, { currentStatus: 'error' });
  await settle();
  assert.deepEqual(cluster.read(type, 'web', 'shop')?.status, { currentStatus: 'error' });
});
