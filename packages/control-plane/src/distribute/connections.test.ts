import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../admin/metrics.ts';
import { silentLog } from '../testing.ts';
import { type ConnectedProxy, type ConnectionsOptions, createConnections, type ProxyPod } from './connections.ts';

function setUp(overrides: Partial<ConnectionsOptions> = {}) {
  const pods = new Map<string, ProxyPod>();
  const accepted: string[] = [];
  const connections = createConnections({
    trustDomain: 'cluster.local',
    podByUuid: (uuid) => pods.get(uuid),
    maxConnections: () => 0,
    accepted: (proxy: ConnectedProxy) => accepted.push(proxy.connection.connectionId),
    log: silentLog,
    metrics: createMetrics(),
    ...overrides,
  });
  const connect = (connectionId: string, commonName = 'u1.sidecar.cart.shop.cluster.local'): void =>
    connections.connect({ connectionId, nodeId: commonName, commonName, uris: [] });
  return { pods, accepted, connections, connect };
}

const CART: ProxyPod = { namespace: 'shop', name: 'cart-1', serviceAccount: 'cart' };

test('a proxy whose pod is known is accepted at once', () => {
  const { pods, accepted, connect } = setUp();
  pods.set('u1', CART);
  connect('c1');
  assert.deepEqual(accepted, ['c1']);
});

test('a certificate of another service account is refused', () => {
  const { pods, accepted, connect, connections } = setUp();
  pods.set('u1', { ...CART, serviceAccount: 'thief' });
  assert.throws(() => connect('c1'), /E5010: .*shop\/cart, but Pod shop\/cart-1 runs as shop\/thief/);
  assert.deepEqual(accepted, []);
  assert.equal(connections.all.size, 0);
});

test('a common name that is no sidecar of this trust domain is refused', () => {
  const { connect } = setUp();
  assert.throws(() => connect('c1', 'u1.sidecar.cart.shop.other.domain'), /E5001/);
  assert.throws(() => connect('c1', 'u1.gateway.cart.shop.cluster.local'), /E5001/);
});

test('a proxy that comes before its pod is accepted when the pod is seen', () => {
  const { pods, accepted, connect, connections } = setUp();
  connect('c1');
  assert.deepEqual(accepted, []);
  pods.set('u1', CART);
  connections.podSeen('u1');
  assert.deepEqual(accepted, ['c1']);
});

test('a proxy that comes before the pod of somebody else gets nothing', () => {
  const { pods, accepted, connect, connections } = setUp();
  connect('c1');
  pods.set('u1', { ...CART, serviceAccount: 'thief' });
  connections.podSeen('u1');
  assert.deepEqual(accepted, []);
  assert.equal(connections.get('c1')?.state, 'refused');
});

test('a proxy whose pod is never seen is taken by its certificate', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { accepted, connect } = setUp({ podWaitMs: 1000 });
  connect('c1');
  t.mock.timers.tick(999);
  assert.deepEqual(accepted, []);
  t.mock.timers.tick(1);
  assert.deepEqual(accepted, ['c1']);
});

test('a stream that ends while it waits is forgotten', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { accepted, connect, connections } = setUp({ podWaitMs: 1000 });
  connect('c1');
  connections.disconnect('c1');
  t.mock.timers.tick(5000);
  assert.deepEqual(accepted, []);
});

test('no more streams than MeshConfig allows', () => {
  const { pods, connect, connections } = setUp({ maxConnections: () => 1 });
  pods.set('u1', CART);
  connect('c1');
  assert.throws(() => connect('c2'), /maxDataPlaneConnections/);
  connections.disconnect('c1');
  connect('c2');
});
