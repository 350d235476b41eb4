import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { ApiError, type KubeObject, TYPES } from '@osm/kube';
import { createEmbeddedIssuer, createRoot } from '@osm/pki';
import type { GatewaySettings } from '../ingest/control-settings.ts';
import { silentLog } from '../testing.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { createGatewayCertificate } from './gateway-certificate.ts';

const SETTINGS: GatewaySettings = {
  subjectAltNames: ['ingress-nginx.ingress.cluster.local'],
  validitySeconds: 3600,
  secret: { name: 'osm-ingress-client-cert', namespace: 'osm-system' },
};

async function setUp(t: TestContext) {
  const cluster = createTestCluster();
  const issuer = createEmbeddedIssuer(await createRoot({ commonName: 'root' }));
  const make = () => {
    const options = { client: cluster.client, issuer, meshName: 'osm', osmNamespace: 'osm-system', log: silentLog };
    const certificate = createGatewayCertificate({ ...options, random: () => 0 });
    t.after(() => certificate.close());
    return certificate;
  };
  const read = (name = SETTINGS.secret.name, namespace = 'osm-system') => cluster.read(TYPES.secrets, name, namespace);
  return { cluster, make, read };
}

const part = (secret: KubeObject | undefined, key: string): string =>
  Buffer.from(((secret?.data ?? {}) as Record<string, string>)[key] ?? '', 'base64').toString();
const serial = (secret: KubeObject | undefined): string => new X509Certificate(part(secret, 'tls.crt')).serialNumber;

test('the Secret is made with certificate, key and roots', async (t) => {
  const { make, read } = await setUp(t);
  const gateway = make();
  gateway.follow(SETTINGS);
  await gateway.idle();
  const secret = read();
  assert.equal(secret?.type, 'kubernetes.io/tls');
  const certificate = new X509Certificate(part(secret, 'tls.crt'));
  assert.equal(certificate.subjectAltName, 'DNS:ingress-nginx.ingress.cluster.local');
  assert.ok(certificate.verify(new X509Certificate(part(secret, 'ca.crt')).publicKey));
  assert.match(part(secret, 'tls.key'), /PRIVATE KEY/);
});

test('another replica, and a restart, leave a certificate that is good', async (t) => {
  const { make, read, cluster } = await setUp(t);
  const replicas = [make(), make(), make()];
  for (const replica of replicas) replica.follow(SETTINGS);
  for (const replica of replicas) await replica.idle();
  const former = serial(read());
  const late = make();
  late.follow(SETTINGS);
  await late.idle();
  assert.equal(serial(read()), former);
  assert.equal(cluster.calls.filter((call) => call === 'update secrets').length, 0);
});

test('a change of the names, and damage, bring a new certificate', async (t) => {
  const { make, read, cluster } = await setUp(t);
  const gateway = make();
  gateway.follow(SETTINGS);
  await gateway.idle();
  gateway.follow({ ...SETTINGS, subjectAltNames: ['other.example', 'spiffe://cluster.local/gateway'] });
  await gateway.idle();
  const changed = new X509Certificate(part(read(), 'tls.crt'));
  assert.equal(changed.subjectAltName, 'DNS:other.example, URI:spiffe://cluster.local/gateway');
  const secret = read();
  cluster.put(TYPES.secrets, { ...secret, data: { ...(secret?.data as object), 'tls.key': '' } });
  const next = make();
  next.follow({ ...SETTINGS, subjectAltNames: ['other.example', 'spiffe://cluster.local/gateway'] });
  await next.idle();
  assert.match(part(read(), 'tls.key'), /PRIVATE KEY/);
});

test('it is renewed at two thirds of its life', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  const { make, read } = await setUp(t);
  const gateway = make();
  gateway.follow(SETTINGS);
  await gateway.idle();
  const former = serial(read());
  const pass = async (minutes: number): Promise<void> => {
    for (let passed = 0; passed < minutes; passed += 10) {
      t.mock.timers.tick(10 * 60_000);
      await gateway.idle();
    }
  };
  await pass(30);
  assert.equal(serial(read()), former);
  await pass(20);
  assert.notEqual(serial(read()), former);
});

test('the Secret goes with the field, and moves with its place', async (t) => {
  const { make, read } = await setUp(t);
  const gateway = make();
  gateway.follow(SETTINGS);
  await gateway.idle();
  gateway.follow({ ...SETTINGS, secret: { name: 'client', namespace: 'ingress' } });
  await gateway.idle();
  assert.equal(read(), undefined);
  assert.ok(read('client', 'ingress'));
  gateway.follow(undefined);
  await gateway.idle();
  assert.equal(read('client', 'ingress'), undefined);
});

test('a Secret left over by a field that went while no controller ran is removed', async (t) => {
  const { make, read } = await setUp(t);
  const first = make();
  first.follow(SETTINGS);
  await first.idle();
  const second = make();
  second.follow(undefined);
  await second.idle();
  assert.equal(read(), undefined);
});

test("somebody else's Secret is neither written nor deleted", async (t) => {
  const { make, read, cluster } = await setUp(t);
  cluster.put(TYPES.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...SETTINGS.secret },
    data: { own: 'eA==' },
  });
  const gateway = make();
  gateway.follow(SETTINGS);
  await gateway.idle();
  gateway.follow(undefined);
  await gateway.idle();
  assert.deepEqual(read()?.data, { own: 'eA==' });
});

test('what the API server refuses is tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { make, read, cluster } = await setUp(t);
  cluster.fault = (verb) => (verb === 'create' ? new ApiError(403, 'Forbidden', 'no') : undefined);
  const gateway = make();
  gateway.follow(SETTINGS);
  await gateway.idle();
  assert.equal(read(), undefined);
  cluster.fault = undefined;
  t.mock.timers.tick(10_000);
  await gateway.idle();
  assert.ok(read());
});
