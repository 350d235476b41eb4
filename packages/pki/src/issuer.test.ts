import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createIntermediate, createRoot } from './authority.ts';
import { createEmbeddedIssuer } from './issuer.ts';
import { openssl, verifyStrictly } from './testing.ts';
import type { AuthorityMaterial, Certificate, CertificateRequest, KeySpec } from './types.ts';

const OSM_ROOT = {
  commonName: 'osm-ca.openservicemesh.io',
  organization: 'Open Service Mesh',
  country: 'US',
  locality: 'CA',
};
const WORKLOAD: CertificateRequest = {
  commonName: 'cart.shop.cluster.local',
  dnsNames: ['cart.shop.cluster.local'],
  uris: ['spiffe://cluster.local/cart/shop'],
  ipAddresses: ['10.0.0.1', 'fd00::1'],
  validitySeconds: 24 * 3600,
};
const RSA: KeySpec = { type: 'rsa', bits: 2048 };

const root = await createRoot(OSM_ROOT);
const issuer = createEmbeddedIssuer(root);

async function rejects(request: Partial<CertificateRequest>, code = 'InvalidRequest'): Promise<void> {
  await assert.rejects(issuer.issue({ ...WORKLOAD, ...request }), { name: 'PkiError', code });
}

test('a leaf says what was asked for, and nothing else', async () => {
  const { chainPem, serial, notBefore, notAfter } = await issuer.issue(WORKLOAD);
  const leaf = new X509Certificate(chainPem);
  assert.equal(leaf.subject, 'CN=cart.shop.cluster.local');
  assert.equal(leaf.issuer, 'C=US\nL=CA\nO=Open Service Mesh\nCN=osm-ca.openservicemesh.io');
  assert.equal(
    leaf.subjectAltName,
    'DNS:cart.shop.cluster.local, URI:spiffe://cluster.local/cart/shop, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
  );
  assert.equal(leaf.serialNumber, serial);
  assert.equal(new Date(leaf.validFrom).getTime(), notBefore.getTime());
  assert.equal(new Date(leaf.validTo).getTime(), notAfter.getTime());
  assert.equal(leaf.ca, false);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
  const text = openssl(['x509', '-in', 'FILE:leaf', '-noout', '-ext', 'basicConstraints,keyUsage'], { leaf: chainPem });
  assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
  assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
});

test('organizations and usages are as asked for', async () => {
  const request = { commonName: 'kubernetes-admin', organizations: ['system:masters', 'x'], validitySeconds: 60 };
  const leaf = new X509Certificate((await issuer.issue({ ...request, usages: ['client'] })).chainPem);
  assert.equal(leaf.subject, 'O=system:masters\nO=x\nCN=kubernetes-admin');
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(leaf.subjectAltName, undefined);
});

const AUTHORITIES: readonly (readonly [string, () => Promise<AuthorityMaterial>])[] = [
  ['an EC root', async () => root],
  ['an RSA root', () => createRoot({ ...OSM_ROOT, key: RSA })],
  ['an intermediate', () => createIntermediate(root, { commonName: 'osm-intermediate' })],
  ['an RSA intermediate', () => createIntermediate(root, { commonName: 'osm-intermediate', key: RSA })],
  [
    'a root that is bound to its trust domain',
    () => createRoot({ ...OSM_ROOT, nameConstraints: { dnsNames: ['cluster.local'], uriHosts: ['cluster.local'] } }),
  ],
];

for (const [name, make] of AUTHORITIES) {
  test(`Node and OpenSSL verify what ${name} signs, for EC and RSA keys`, async () => {
    const material = await make();
    const signer = createEmbeddedIssuer(material);
    for (const key of [undefined, RSA]) {
      const { ipAddresses: _, ...request } = WORKLOAD;
      const made = await signer.issue({ ...request, ...(key === undefined ? {} : { key }) });
      const leaf = new X509Certificate(made.chainPem);
      const authority = new X509Certificate(material.certificatePem);
      assert.ok(leaf.verify(authority.publicKey) && leaf.checkIssued(authority));
      assert.ok(leaf.checkPrivateKey(createPrivateKey(made.keyPem)));
      verifyStrictly(made.chainPem, made.trustPem, 'sslserver');
      verifyStrictly(made.chainPem, made.trustPem, 'sslclient');
      assert.equal(made.trustPem, signer.trustBundle());
    }
  });
}

test('a root that is bound to its trust domain cannot speak for another', async () => {
  const bound = await createRoot({
    ...OSM_ROOT,
    nameConstraints: { dnsNames: ['cluster.local'], uriHosts: ['cluster.local'] },
  });
  const signer = createEmbeddedIssuer(bound);
  for (const names of [{ dnsNames: ['bank.example'] }, { uris: ['spiffe://other/cart/shop'] }]) {
    const made = await signer.issue({ commonName: 'cart.shop.cluster.local', validitySeconds: 60, ...names });
    assert.throws(() => verifyStrictly(made.chainPem, made.trustPem, 'sslserver'), /permitted subtree violation/);
  }
});

test('an intermediate cannot make another authority', async () => {
  const one = await createIntermediate(root, { commonName: 'one' });
  const two = await createIntermediate(one, { commonName: 'two' });
  const made = await createEmbeddedIssuer(two).issue(WORKLOAD);
  assert.throws(() => verifyStrictly(made.chainPem, made.trustPem, 'sslserver'), /path length constraint exceeded/);
});

test('serials are positive, of 128 random bits', async () => {
  const seen = new Set<string>();
  let highBit = 0;
  for (let i = 0; i < 200; i++) {
    const { serial } = await issuer.issue({ commonName: 'x', validitySeconds: 60 });
    assert.match(serial, /^[0-9A-F]{2,32}$/);
    if (serial.length === 32 && serial >= '8') highBit++;
    seen.add(serial);
  }
  assert.equal(seen.size, 200);
  assert.ok(highBit > 0, 'the highest bit is used as well');
});

test('a leaf is dated back for skewed clocks, little when it is short-lived, and never outlives its authority', async () => {
  const now = new Date('2030-01-01T00:00:00.500Z');
  const small = await createRoot({ commonName: 'small', validitySeconds: 3600 });
  const at = (material: AuthorityMaterial, time: Date) => createEmbeddedIssuer(material, () => time);
  const day = await at(root, now).issue(WORKLOAD);
  assert.equal(day.notBefore.toISOString(), '2029-12-31T23:58:00.000Z');
  assert.equal(day.notAfter.toISOString(), '2030-01-02T00:00:00.000Z');
  const brief = await at(root, now).issue({ ...WORKLOAD, validitySeconds: 60 });
  assert.equal(brief.notBefore.toISOString(), '2029-12-31T23:59:54.000Z');
  const end = new Date(new X509Certificate(small.certificatePem).validTo);
  const begin = new Date(new X509Certificate(small.certificatePem).validFrom);
  const capped = await createEmbeddedIssuer(small).issue(WORKLOAD);
  assert.equal(capped.notAfter.getTime(), end.getTime());
  assert.ok(capped.notBefore >= begin);
  verifyStrictly(capped.chainPem, capped.trustPem, 'sslclient');
  await assert.rejects(at(small, end).issue(WORKLOAD), { code: 'UnusableAuthority', message: /expired on/ });
  await assert.rejects(at(small, new Date(begin.getTime() - 1)).issue(WORKLOAD), { message: /in the future/ });
});

test('a certificate beyond 2049 is written as RFC 5280 wants it', async () => {
  const old = await createRoot({ commonName: 'old', validitySeconds: 40 * 365 * 86_400 });
  const made = await createEmbeddedIssuer(old).issue({ ...WORKLOAD, validitySeconds: 30 * 365 * 86_400 });
  assert.ok(made.notAfter.getUTCFullYear() >= 2050);
  assert.equal(new Date(new X509Certificate(made.chainPem).validTo).getTime(), made.notAfter.getTime());
  verifyStrictly(made.chainPem, made.trustPem, 'sslserver');
});

test('names that no certificate can carry are refused', async () => {
  for (const commonName of ['', 'a\u0000b', 'x'.repeat(2000)]) await rejects({ commonName });
  for (const name of ['', 'a b', 'a..b', 'ü.example', '*.', 'a,DNS:b', 'x'.repeat(254)])
    await rejects({ dnsNames: [name] });
  for (const uri of ['', 'no-scheme', 'spiffe://a b', 'spiffe://ü']) await rejects({ uris: [uri] });
  for (const address of ['', '1.2.3', 'fe80::1%eth0', 'cart']) await rejects({ ipAddresses: [address] });
  for (const validitySeconds of [0, -1, Number.NaN]) await rejects({ validitySeconds });
  for (const bits of [1024, 2049, 8192]) await rejects({ key: { type: 'rsa', bits } });
  await rejects({ usages: [] });
});

test('a common name may be longer than 64 characters, as the names of proxies are', async () => {
  const commonName = `0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f.sidecar.${'account'.repeat(5)}.shop.cluster.local`;
  const made = await issuer.issue({ ...WORKLOAD, commonName });
  assert.equal(new X509Certificate(made.chainPem).subject, `CN=${commonName}`);
  verifyStrictly(made.chainPem, made.trustPem, 'sslclient');
});

/** A handshake between two certificates; each side's verdict on the other. */
async function handshake(server: Certificate, client: Certificate): Promise<readonly [string, string]> {
  const listening = createServer({
    cert: server.chainPem,
    key: server.keyPem,
    ca: server.trustPem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const accepted = once(listening, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    host: '127.0.0.1',
    port: (listening.address() as AddressInfo).port,
    cert: client.chainPem,
    key: client.keyPem,
    ca: client.trustPem,
    servername: 'cart.shop.cluster.local',
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const [peer] = await accepted;
  const verdict = (side: TLSSocket): string => String(side.authorizationError ?? 'trusted');
  const both = [verdict(peer), verdict(socket)] as const;
  socket.destroy();
  peer.destroy();
  listening.close();
  return both;
}

test('TLS peers trust each other both ways, directly and through intermediates', async () => {
  const below = createEmbeddedIssuer(await createIntermediate(root, { commonName: 'osm-intermediate' }));
  for (const first of [issuer, below]) {
    for (const second of [issuer, below]) {
      assert.deepEqual(await handshake(await first.issue(WORKLOAD), await second.issue(WORKLOAD)), [
        'trusted',
        'trusted',
      ]);
    }
  }
});

test('TLS peers of another root, or on the wrong side, are not trusted', async () => {
  const own = await issuer.issue(WORKLOAD);
  const other = createEmbeddedIssuer(await createRoot(OSM_ROOT));
  const stranger = { ...(await other.issue(WORKLOAD)), trustPem: own.trustPem };
  const [ofClient] = await handshake(own, stranger);
  assert.notEqual(ofClient, 'trusted');
  const [, ofServer] = await handshake({ ...stranger, trustPem: own.trustPem }, own);
  assert.notEqual(ofServer, 'trusted');
  const [serverOnly] = await handshake(own, await issuer.issue({ ...WORKLOAD, usages: ['server'] }));
  assert.equal(serverOnly, 'INVALID_PURPOSE');
});
