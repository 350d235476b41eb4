import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createIntermediate, createRoot, readAuthority } from './authority.ts';
import { createEmbeddedIssuer } from './issuer.ts';
import { openssl, verifyStrictly } from './testing.ts';
import type { AuthorityMaterial } from './types.ts';

const root = await createRoot({ commonName: 'root' });
const LEAF = { commonName: 'a', dnsNames: ['a'], validitySeconds: 3600 };

test('a root is an authority for ten years by default, and may do nothing else', () => {
  const certificate = new X509Certificate(root.certificatePem);
  const years = (new Date(certificate.validTo).getTime() - Date.now()) / (365 * 86_400_000);
  assert.ok(years > 9.99 && years < 10.01);
  const text = openssl(['x509', '-in', 'FILE:root', '-noout', '-text'], { root: root.certificatePem });
  assert.match(text, /Basic Constraints: critical\s+CA:TRUE/);
  assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
});

/** Authorities as others write them: OSM's own (RSA, PKCS#1), and what openssl makes. */
const FOREIGN: readonly (readonly [string, readonly string[]])[] = [
  ['RSA, PKCS#8', ['-newkey', 'rsa:2048']],
  ['EC P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ['EC P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ['no extensions but CA', ['-newkey', 'rsa:2048', '-addext', 'subjectKeyIdentifier=none']],
];

function foreign(args: readonly string[]): AuthorityMaterial {
  const out = openssl([
    'req',
    '-x509',
    '-nodes',
    '-keyout',
    '-',
    '-subj',
    '/C=US/O=Ünï/CN=foreign',
    '-utf8',
    '-days',
    '30',
    ...args,
  ]);
  const certificateAt = out.indexOf('-----BEGIN CERTIFICATE');
  return { certificatePem: out.slice(certificateAt), keyPem: out.slice(0, certificateAt) };
}

for (const [name, args] of FOREIGN) {
  test(`an authority made elsewhere signs: ${name}`, async () => {
    const material = foreign(args);
    const made = await createEmbeddedIssuer(material).issue(LEAF);
    assert.ok(new X509Certificate(made.chainPem).checkIssued(new X509Certificate(material.certificatePem)));
    openssl(['verify', '-CAfile', 'FILE:root', 'FILE:leaf'], { root: made.trustPem, leaf: made.chainPem });
  });
}

test('keys are read as PKCS#1, SEC1 and with parameters before them', async () => {
  const rsa = await createRoot({ commonName: 'rsa', key: { type: 'rsa', bits: 2048 } });
  const pkcs1 = createPrivateKey(rsa.keyPem).export({ type: 'pkcs1', format: 'pem' }).toString();
  assert.match(pkcs1, /BEGIN RSA PRIVATE KEY/);
  const sec1 = createPrivateKey(root.keyPem).export({ type: 'sec1', format: 'pem' }).toString();
  assert.match(sec1, /BEGIN EC PRIVATE KEY/);
  const parameters = openssl(['ecparam', '-name', 'prime256v1']);
  for (const [material, keyPem] of [
    [rsa, pkcs1],
    [root, sec1],
    [root, parameters + sec1],
    [root, `some text\r\n${sec1.replaceAll('\n', '\r\n')}`],
  ] as const) {
    const made = await createEmbeddedIssuer({ ...material, keyPem }).issue(LEAF);
    verifyStrictly(made.chainPem, made.trustPem, 'sslserver');
  }
});

test('material that cannot be used is refused with the reason', async () => {
  const other = await createRoot({ commonName: 'other' });
  const leaf = await createEmbeddedIssuer(root).issue(LEAF);
  const below = await createIntermediate(root, { commonName: 'below' });
  const alone = below.certificatePem.slice(0, below.certificatePem.indexOf('-----END') + 26);
  const weak = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
  const edwards = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const locked = openssl(['pkey', '-in', 'FILE:key', '-aes256', '-passout', 'pass:secret'], { key: root.keyPem });
  const cases: readonly (readonly [AuthorityMaterial, string, RegExp])[] = [
    [{ ...root, certificatePem: '' }, 'InvalidPem', /no PEM block CERTIFICATE/],
    [{ ...root, keyPem: 'x' }, 'InvalidPem', /no PEM block PRIVATE KEY/],
    [{ ...root, keyPem: '-----BEGIN PRIVATE KEY-----\nMA==\n' }, 'InvalidPem', /no end line/],
    [{ ...root, keyPem: '-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----' }, 'InvalidPem', /not base64/],
    [
      { ...root, keyPem: '-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----' },
      'UnusableKey',
      /OpenSSL can read/,
    ],
    [
      { ...root, certificatePem: '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----' },
      'InvalidDer',
      /no certificate/,
    ],
    [{ ...root, keyPem: locked }, 'UnusableKey', /encrypted/],
    [{ ...root, keyPem: weak }, 'UnusableKey', /1024 bits/],
    [{ ...root, keyPem: edwards }, 'UnusableKey', /ed25519/],
    [{ ...root, keyPem: other.keyPem }, 'UnusableKey', /does not belong/],
    [{ certificatePem: leaf.chainPem, keyPem: leaf.keyPem }, 'UnusableAuthority', /may not sign others/],
    [{ ...below, certificatePem: alone }, 'UnusableAuthority', /append the certificates of its issuers/],
    [{ ...below, certificatePem: alone + other.certificatePem }, 'UnusableAuthority', /did not sign/],
    [{ ...root, certificatePem: 'x'.repeat(2 ** 21) }, 'InvalidPem', /larger than/],
  ];
  for (const [material, code, message] of cases) {
    assert.throws(() => createEmbeddedIssuer(material), { name: 'PkiError', code, message });
  }
});

test('a leaf of a chain ends with the first of its authorities', async () => {
  const brief = await createRoot({ commonName: 'brief', validitySeconds: 7200 });
  const below = await createIntermediate(brief, { commonName: 'below', validitySeconds: 86_400 });
  assert.equal(readAuthority(below).notAfter.getTime(), readAuthority(brief).notAfter.getTime());
});
