import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateRequest, Issuer } from '@osm/pki';
import { silentLog } from '../testing.ts';
import { createCertificateStore, renewalDelay } from './certificates.ts';

const HOUR = 3_600_000;
const CART = { namespace: 'shop', serviceAccount: 'cart' };

function setUp(now: () => number) {
  const requests: CertificateRequest[] = [];
  const rotated: string[] = [];
  let failing = false;
  const issuer: Issuer = {
    name: 'test',
    trustBundle: () => 'roots',
    async issue(request) {
      requests.push(request);
      if (failing) throw new Error('issuer is away');
      const notBefore = new Date(now());
      return {
        chainPem: `chain ${requests.length}`,
        keyPem: 'key',
        trustPem: 'roots',
        serial: String(requests.length),
        notBefore,
        notAfter: new Date(notBefore.getTime() + request.validitySeconds * 1000),
      };
    },
  };
  const store = createCertificateStore({
    issuer,
    trustDomain: 'cluster.local',
    validitySeconds: () => 24 * 3600,
    rotated: (identity, certificate) => rotated.push(`${identity.serviceAccount} ${certificate.chainPem}`),
    log: silentLog,
    random: () => 0,
    now,
  });
  return {
    requests,
    rotated,
    store,
    fail: (value: boolean) => {
      failing = value;
    },
  };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

test('a certificate names the service account in both forms', async () => {
  const { store, requests } = setUp(Date.now);
  await store.obtain(CART);
  assert.equal(requests[0]?.commonName, 'cart.shop.cluster.local');
  assert.deepEqual(requests[0]?.dnsNames, ['cart.shop.cluster.local']);
  assert.deepEqual(requests[0]?.uris, ['spiffe://cluster.local/cart/shop']);
  store.close();
});

test('concurrent requests share one issuance', async () => {
  const { store, requests } = setUp(Date.now);
  const [first, second] = await Promise.all([store.obtain(CART), store.obtain(CART)]);
  assert.equal(first, second);
  assert.equal(requests.length, 1);
  store.close();
});

test('renewal is due at two thirds of life, or up to a tenth earlier', () => {
  const certificate = { notBefore: new Date(0), notAfter: new Date(30 * HOUR) };
  assert.equal(renewalDelay(certificate, 0, 0), 20 * HOUR);
  assert.equal(Math.round(renewalDelay(certificate, 0, 0.999_999) / HOUR), 17);
  assert.equal(renewalDelay(certificate, 25 * HOUR, 0), 0);
});

test('a certificate is renewed and announced; a failing issuer is asked again and the old one stays', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { store, rotated, fail } = setUp(Date.now);
  await store.obtain(CART);
  t.mock.timers.tick(16 * HOUR);
  await settle();
  assert.deepEqual(rotated, ['cart chain 2']);
  fail(true);
  t.mock.timers.tick(16 * HOUR);
  await settle();
  assert.equal(store.current(CART)?.chainPem, 'chain 2');
  fail(false);
  t.mock.timers.tick(10_000);
  await settle();
  assert.deepEqual(rotated, ['cart chain 2', 'cart chain 4']);
  store.forget(CART);
  t.mock.timers.tick(48 * HOUR);
  await settle();
  assert.equal(rotated.length, 2);
});
