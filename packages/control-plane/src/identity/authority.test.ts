import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, TYPES } from '@osm/kube';
import { createTestCluster } from '../testing-cluster.ts';
import { loadAuthority } from './authority.ts';

const PLACE = { namespace: 'osm-system', secretName: 'osm-ca-bundle', meshName: 'osm' };
const made = (name: string) => async () => ({ certificatePem: `cert ${name}`, keyPem: `key ${name}` });

test('the first replica makes the authority, the next one reads it', async () => {
  const { client, read } = createTestCluster();
  assert.equal((await loadAuthority(client, PLACE, made('first'))).certificatePem, 'cert first');
  assert.deepEqual(await loadAuthority(client, PLACE, made('second')), {
    certificatePem: 'cert first',
    keyPem: 'key first',
  });
  assert.deepEqual(Object.keys((read(TYPES.secrets, 'osm-ca-bundle', 'osm-system')?.data as object) ?? {}).sort(), [
    'ca.crt',
    'private.key',
  ]);
});

test('replicas that start together end up with one authority', async () => {
  const { client } = createTestCluster();
  const all = await Promise.all(['a', 'b', 'c'].map((name) => loadAuthority(client, PLACE, made(name))));
  assert.equal(new Set(all.map((material) => material.keyPem)).size, 1);
});

test('a Secret without its key is not replaced by another authority', async () => {
  const cluster = createTestCluster();
  cluster.put(TYPES.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'osm-ca-bundle', namespace: 'osm-system' },
    data: { 'ca.crt': 'eA==' },
  });
  await assert.rejects(
    loadAuthority(cluster.client, PLACE, made('x')),
    /osm-system\/osm-ca-bundle has no key private\.key/,
  );
});

test('an API server that fails is not taken for one without the Secret', async () => {
  const cluster = createTestCluster();
  cluster.fault = () => new ApiError(403, 'Forbidden', 'no');
  await assert.rejects(loadAuthority(cluster.client, PLACE, made('x')), /no/);
  assert.deepEqual(cluster.calls, ['get secrets']);
});
