import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { createPodCache, proxyPod } from './pods.ts';

const pod = (name: string, uuid: string | undefined, status: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'shop',
    resourceVersion: String(Math.random()),
    ...(uuid === undefined ? {} : { labels: { 'osm-proxy-uuid': uuid } }),
  },
  spec: { containers: [{ name: 'app', image: 'app', ports: [{ containerPort: 80 }] }], volumes: [{ name: 'big' }] },
  status: { podIP: '198.19.0.5', ...status },
});

test('changes that do not matter are no news', () => {
  const cache = createPodCache();
  assert.equal(cache.set('shop/a', pod('a', 'u1')), true);
  const before = cache.pods.get('shop/a');
  assert.equal(cache.set('shop/a', pod('a', 'u1', { conditions: [{ type: 'Ready' }] })), false);
  assert.equal(cache.pods.get('shop/a'), before);
  assert.equal(cache.set('shop/a', pod('a', 'u1', { podIP: '198.19.0.6' })), true);
});

test('pods are found by the UUID of their proxy, while they have it', () => {
  const cache = createPodCache();
  cache.set('shop/a', pod('a', 'u1'));
  assert.equal(cache.byUuid('u1')?.metadata.name, 'a');
  cache.set('shop/a', pod('a', 'u2'));
  assert.equal(cache.byUuid('u1'), undefined);
  assert.equal(cache.byUuid('u2')?.metadata.name, 'a');
  assert.equal(cache.delete('shop/a'), true);
  assert.equal(cache.byUuid('u2'), undefined);
  assert.equal(cache.delete('shop/a'), false);
});

test('a pod replaced under the same UUID keeps the index when the old one goes', () => {
  const cache = createPodCache();
  cache.set('shop/a', pod('a', 'u1'));
  cache.set('shop/b', pod('b', 'u1'));
  cache.delete('shop/a');
  assert.equal(cache.byUuid('u1')?.metadata.name, 'b');
});

test('a pod without a service account runs as default', () => {
  assert.equal(proxyPod(pod('a', undefined)).serviceAccount, 'default');
});
