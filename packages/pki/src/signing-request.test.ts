import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createRoot } from './authority.ts';
import { createEmbeddedIssuer } from './issuer.ts';
import { readPem, writePem } from './pem.ts';
import { createSigningRequest, readSigningRequest } from './signing-request.ts';
import { openssl, verifyStrictly } from './testing.ts';

const NAMES = {
  commonName: 'cart.shop.cluster.local',
  organizations: ['a', 'b'],
  dnsNames: ['cart.shop.cluster.local', '*.shop'],
  uris: ['spiffe://cluster.local/cart/shop'],
  ipAddresses: ['10.0.0.1', 'fd00::1:2'],
};

test('a request comes back as it was written, and openssl verifies it', async () => {
  for (const key of [undefined, { type: 'rsa', bits: 2048 }] as const) {
    const { requestPem } = await createSigningRequest({ ...NAMES, ...(key === undefined ? {} : { key }) });
    const { spkiDer: _, keyType, ...names } = readSigningRequest(requestPem);
    assert.deepEqual(names, NAMES);
    assert.equal(keyType, key?.type ?? 'ec');
    openssl(['req', '-in', 'FILE:request', '-verify', '-noout'], { request: requestPem });
  }
});

test('a request by openssl is read and signed; only names are taken from it', async () => {
  const out = openssl([
    ...['req', '-new', '-nodes', '-keyout', '-', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha512'],
    ...[
      '-subj',
      '/CN=cart',
      '-addext',
      'subjectAltName=DNS:cart,email:a@b.c',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
    ],
  ]);
  const issuer = createEmbeddedIssuer(await createRoot({ commonName: 'root' }));
  const made = await issuer.sign(out, { validitySeconds: 3600, usages: ['server'] });
  const leaf = new X509Certificate(made.chainPem);
  assert.equal(leaf.ca, false);
  assert.equal(leaf.subject, 'CN=cart');
  assert.equal(leaf.subjectAltName, 'DNS:cart');
  assert.ok(leaf.checkPrivateKey(createPrivateKey(out)));
  verifyStrictly(made.chainPem, made.trustPem, 'sslserver');
});

test('a request whose key is not the signer, or that is malformed, is refused', async () => {
  const { requestPem } = await createSigningRequest(NAMES);
  const der = Buffer.from(readPem(requestPem)[0]?.der ?? []);
  const at = der.indexOf('cart.shop');
  const forged = Buffer.from(der);
  forged.write('bank', at);
  assert.throws(() => readSigningRequest(writePem('CERTIFICATE REQUEST', forged)), { code: 'InvalidRequest' });
  assert.throws(() => readSigningRequest('x'), { code: 'InvalidPem' });
  for (let length = 0; length < der.length; length += 7) {
    assert.throws(() => readSigningRequest(writePem('CERTIFICATE REQUEST', der.subarray(0, length + 1))), {
      name: 'PkiError',
    });
  }
  const edwards = openssl(['req', '-new', '-nodes', '-keyout', '-', '-newkey', 'ed25519', '-subj', '/CN=a']);
  assert.throws(() => readSigningRequest(edwards), { name: 'PkiError' });
});
