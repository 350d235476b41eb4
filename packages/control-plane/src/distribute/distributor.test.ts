import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EncodedResource, type Resource, TYPE_URL } from '@osm/envoy';
import type { Certificate } from '@osm/pki';
import { createMetrics } from '../admin/metrics.ts';
import type { ResourceSet } from '../ads/types.ts';
import type { CertificateStore } from '../identity/certificates.ts';
import { identityKey } from '../identity/names.ts';
import { silentLog } from '../testing.ts';
import type { ConnectedProxy } from './connections.ts';
import { createDistributor } from './distributor.ts';
import type { ProxyConfiguration } from './planner.ts';

const cluster = (name: string, port = 1): Resource => ({ typeUrl: TYPE_URL.cluster, name, json: { name, port } });
/** Resources in one layer. */
const layers = (...resources: readonly Resource[]): ProxyConfiguration['resources'] =>
  new Map([[TYPE_URL.cluster, [new Map(resources.map((resource) => [resource.name, resource]))]]]);
const certificate = (chainPem: string): Certificate => ({
  chainPem,
  keyPem: 'key',
  trustPem: 'roots',
  serial: '1',
  notBefore: new Date(),
  notAfter: new Date(),
});

function setUp() {
  const configurations = new Map<string, ProxyConfiguration>();
  const proxies = new Map<string, ConnectedProxy>();
  const pushes: { id: string; set: ResourceSet }[] = [];
  const issued = new Map<string, Certificate>();
  let encodings = 0;
  const certificates: CertificateStore = {
    async obtain(identity) {
      const key = identityKey(identity);
      const found = issued.get(key) ?? certificate(`chain ${key}`);
      issued.set(key, found);
      return found;
    },
    current: (identity) => issued.get(identityKey(identity)),
    forget: () => {},
    trustBundle: () => 'roots',
    close: () => {},
  };
  const distributor = createDistributor({
    planner: {
      update: () => {},
      faults: () => [],
      configure: ({ identity }) => configurations.get(identity.serviceAccount),
    },
    ads: { setResources: (id, set) => pushes.push({ id, set }) },
    certificates,
    encode: (resource): EncodedResource => {
      encodings++;
      const text = JSON.stringify(resource.json);
      return { typeUrl: resource.typeUrl, name: resource.name, version: text, bytes: Buffer.from(text) };
    },
    trustDomain: 'cluster.local',
    proxies: () => proxies.values(),
    log: silentLog,
    metrics: createMetrics(),
  });
  const connect = async (id: string, serviceAccount: string): Promise<void> => {
    const proxy: ConnectedProxy = {
      connection: { connectionId: id, nodeId: id, commonName: id, uris: [] },
      identity: { uuid: id, namespace: 'shop', serviceAccount },
      pod: undefined,
      state: 'accepted',
      since: new Date(),
    };
    proxies.set(id, proxy);
    distributor.add(proxy);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { configurations, pushes, issued, distributor, connect, count: () => encodings };
}

test('a proxy gets its resources and its secrets, and upstreams are verified by name', async () => {
  const { configurations, pushes, connect } = setUp();
  configurations.set('cart', {
    resources: layers(cluster('shop/db')),
    upstreams: [
      { service: 'shop/db', servers: [{ namespace: 'shop', serviceAccount: 'db' }] },
      { service: 'shop/empty', servers: [] },
    ],
  });
  await connect('a', 'cart');
  assert.equal(pushes.length, 1);
  const secrets = pushes[0]?.set.get(TYPE_URL.secret);
  assert.deepEqual([...(secrets?.keys() ?? [])].sort(), [
    'root-cert-for-mtls-inbound:shop/cart',
    'root-cert-for-mtls-outbound:shop/db',
    'root-cert-for-mtls-outbound:shop/empty',
    'service-cert',
    'service-cert:shop/cart',
  ]);
  const text = (name: string): string => Buffer.from(secrets?.get(name)?.bytes ?? []).toString();
  assert.match(text('root-cert-for-mtls-outbound:shop/db'), /"exact":"db\.shop\.cluster\.local"/);
  assert.match(text('root-cert-for-mtls-outbound:shop/empty'), /"exact":"nobody\.invalid"/);
  assert.doesNotMatch(text('root-cert-for-mtls-inbound:shop/cart'), /matchTypedSubjectAltNames/);
});

test('proxies alike share one set, and encode it once', async () => {
  const { configurations, pushes, connect, count } = setUp();
  configurations.set('cart', { resources: layers(cluster('x')), upstreams: [] });
  await connect('a', 'cart');
  const after = count();
  await connect('b', 'cart');
  assert.equal(count(), after);
  assert.equal(pushes[0]?.set, pushes[1]?.set);
});

test('a change reaches the proxies it is for, and only the types it touches', async () => {
  const { configurations, pushes, connect, distributor, count } = setUp();
  const kept = cluster('kept');
  configurations.set('cart', { resources: layers(kept, cluster('x', 1)), upstreams: [] });
  configurations.set('db', { resources: layers(kept), upstreams: [] });
  await connect('a', 'cart');
  await connect('b', 'db');
  const [before, encodings] = [pushes[0]?.set, count()];
  configurations.set('cart', { resources: layers(kept, cluster('x', 2)), upstreams: [] });
  distributor.refresh();
  assert.deepEqual(
    pushes.slice(2).map(({ id }) => id),
    ['a'],
  );
  assert.equal(count(), encodings + 1);
  const after = pushes[2]?.set;
  assert.equal(after?.get(TYPE_URL.secret), before?.get(TYPE_URL.secret));
  assert.notEqual(after?.get(TYPE_URL.cluster), before?.get(TYPE_URL.cluster));
});

test('a configuration computed anew with equal content is not sent', async () => {
  const { configurations, pushes, connect, distributor } = setUp();
  configurations.set('cart', { resources: layers(cluster('x')), upstreams: [] });
  await connect('a', 'cart');
  configurations.set('cart', { resources: layers(cluster('x')), upstreams: [] });
  distributor.refresh();
  assert.equal(pushes.length, 1);
});

test('a renewed certificate reaches the proxies of its identity, as a secret only', async () => {
  const { configurations, pushes, issued, connect, distributor } = setUp();
  for (const name of ['cart', 'db']) configurations.set(name, { resources: layers(cluster('x')), upstreams: [] });
  await connect('a', 'cart');
  await connect('b', 'db');
  const before = pushes[0]?.set;
  issued.set('shop/cart', certificate('renewed'));
  distributor.rotated({ namespace: 'shop', serviceAccount: 'cart' });
  assert.deepEqual(
    pushes.slice(2).map(({ id }) => id),
    ['a'],
  );
  const after = pushes[2]?.set;
  assert.equal(after?.get(TYPE_URL.cluster), before?.get(TYPE_URL.cluster));
  assert.match(
    Buffer.from(after?.get(TYPE_URL.secret)?.get('service-cert:shop/cart')?.bytes ?? []).toString(),
    /renewed/,
  );
});

test('a proxy that cannot be configured keeps the others from nothing, whatever the occasion', async () => {
  const { configurations, pushes, issued, connect, distributor } = setUp();
  const broken: ProxyConfiguration = {
    get resources(): never {
      throw new Error('a plan that cannot be translated');
    },
    upstreams: [],
  };
  configurations.set('cart', broken);
  configurations.set('db', { resources: layers(cluster('x')), upstreams: [] });
  // A throw on the way of `add` would be an unhandled rejection, which ends the process and fails this test.
  await connect('a', 'cart');
  await connect('b', 'db');
  issued.set('shop/cart', certificate('renewed'));
  assert.doesNotThrow(() => distributor.rotated({ namespace: 'shop', serviceAccount: 'cart' }));
  assert.doesNotThrow(() => distributor.refresh());
  assert.deepEqual(
    pushes.map(({ id }) => id),
    ['b'],
  );
  configurations.set('cart', { resources: layers(cluster('y')), upstreams: [] });
  distributor.refresh();
  assert.equal(pushes.at(-1)?.id, 'a');
});
