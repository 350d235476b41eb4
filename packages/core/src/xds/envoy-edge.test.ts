import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, httpApplication, tcpApplication, tell, tellTls } from './testing/applications.ts';
import { type Address, freePort, startProxy } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** What comes into the mesh and what leaves it, by the real Envoy. */

const GET = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

test('ingress', async (t) => {
  const [open, named, ranged, anonymous] = await Promise.all(
    ['open', 'named', 'ranged', 'anonymous'].map((name) => httpApplication(t, name)),
  );
  const at = (port: number | undefined): Address => ['127.0.0.4', port ?? 0];
  const ingress = (name: string, targetPort: number | undefined, rest: object = {}) => ({
    service: p.service(`bookstore/${name}`),
    targetPort: targetPort ?? 0,
    sourceRanges: [],
    origins: [p.origin('IngressBackend', 'bookstore/ingress')],
    ...rest,
  });
  await startProxy(
    t,
    p.plan('bookstore/bookstore', {
      inbound: [p.inbound('bookstore/open', 80, open ?? 0)],
      ingress: [
        ingress('open', open),
        ingress('named', named, {
          tls: { sniHosts: ['books.example'], principals: ['bookbuyer.bookbuyer.cluster.local'] },
        }),
        ingress('ranged', ranged, { sourceRanges: ['127.0.7.0/24'] }),
        ingress('anonymous', anonymous, { tls: { sniHosts: [] } }),
      ],
    }),
    { inbound: [open, named, ranged, anonymous].map(at) },
  );

  await t.test('plain HTTP comes in beside the mesh', async () => {
    assert.equal((await ask(at(open))).status, 200);
    const servername = 'open.bookstore.svc.cluster.local';
    assert.match(await tellTls(at(open), { workload: 'bookbuyer/bookbuyer', servername, alpn: 'osm' }, GET), / 200 OK/);
    assert.equal(await tellTls(at(open), { servername: 'other', alpn: 'http/1.1' }, GET), '');
  });

  await t.test('only named certificates come in by TLS', async () => {
    const as = { servername: 'books.example', alpn: 'http/1.1' };
    assert.match(await tellTls(at(named), { ...as, workload: 'bookbuyer/bookbuyer' }, GET), / 200 OK/);
    assert.match(await tellTls(at(named), { ...as, workload: 'bookthief/bookthief' }, GET), / 403 Forbidden/);
    assert.equal(await tellTls(at(named), as, GET), '');
    assert.equal(
      await tellTls(at(named), { ...as, servername: 'other.example', workload: 'bookbuyer/bookbuyer' }, GET),
      '',
    );
    assert.equal(await tell(at(named), GET), '');
  });

  await t.test('without names nobody has to prove anything', async () => {
    assert.match(await tellTls(at(anonymous), { servername: 'any.example', alpn: 'http/1.1' }, GET), / 200 OK/);
  });

  await t.test('callers from elsewhere are cut off', async () => {
    assert.equal((await ask(at(ranged), '/', { localAddress: '127.0.7.1' })).status, 200);
    await assert.rejects(ask(at(ranged), '/', { localAddress: '127.0.8.1' }), { code: /ECONNRESET|EPIPE/ } as never);
  });
});

test('egress', async (t) => {
  const outside = await httpApplication(t, 'outside');
  const database = await tcpApplication(t, 'database', true);
  const echo = await tcpApplication(t, 'echo', false);
  const [mixed, tcp] = [await freePort(), await freePort()];
  const egress = (protocol: 'http' | 'https' | 'tcp' | 'tcp-server-first', port: number, rest: object = {}) => ({
    port,
    protocol,
    hosts: [],
    ranges: [],
    matches: [p.anyMatch],
    origins: [p.origin('Egress', 'bookbuyer/egress')],
    ...rest,
  });
  const plan = (passthrough: boolean) =>
    p.plan('bookbuyer/bookbuyer', {
      passthrough,
      egress: [
        egress('http', outside, { hosts: ['localhost'], matches: [{ path: '/allowed', headers: [] }] }),
        egress('http', outside, { hosts: ['ranged.example'], ranges: ['127.0.10.0/24'] }),
        egress('https', mixed, { hosts: ['books.example', '*.wild.example'] }),
        egress('http', mixed, { hosts: ['localhost'] }),
        egress('tcp-server-first', tcp, { ranges: ['127.0.9.1/32'] }),
      ],
    });
  const bindings = (network: string) => ({
    outbound: [
      ...[1, 2].flatMap((last) => [outside, mixed, tcp].map((port): Address => [`${network}.${last}`, port])),
      // The listener's own port, as a client sees it that was not redirected.
      [`${network}.3`, 15001] as Address,
    ],
    destinations: {
      [`${mixed}`]: ['127.0.0.1', echo],
      [`${tcp}`]: ['127.0.0.1', database],
      'passthrough-outbound': ['127.0.0.1', database],
    } as Record<string, Address>,
  });
  await startProxy(t, plan(false), bindings('127.0.9'));
  await startProxy(t, plan(true), bindings('127.0.11'));
  const at = (port: number, last = 1): Address => [`127.0.9.${last}`, port];

  await t.test('HTTP leaves to the hosts and paths of a policy', async () => {
    const headers = { host: `localhost:${outside}` };
    assert.equal((await ask(at(outside), '/allowed', { headers })).status, 200);
    assert.equal((await ask(at(outside), '/other', { headers })).status, 404);
    assert.equal((await ask(at(outside), '/allowed', { headers: { host: 'other.example' } })).status, 404);
    assert.equal((await ask(at(outside), '/', { headers: { host: 'ranged.example' } })).status, 403);
  });

  await t.test('TLS leaves to the server names of a policy, as it is', async () => {
    // The application is no TLS server: to be answered at all is to be let through.
    assert.match(await echoed(at(mixed), 'books.example'), /^echo:/);
    assert.match(await echoed(at(mixed), 'a.b.wild.example'), /^echo:/);
    assert.equal(await echoed(at(mixed), 'other.example'), '');
  });

  await t.test('TCP leaves to the addresses of a policy', async () => {
    assert.equal(await tell(at(tcp), undefined, ':'), 'database:');
    assert.equal(await tell(at(tcp, 2), undefined, ':'), '');
  });

  await t.test('a connection to the proxy itself is not passed on to it', async () => {
    assert.equal(await tell(['127.0.11.3', 15001], undefined), '');
  });

  await t.test('what no policy is about passes when everything may', async () => {
    assert.equal(await tell(['127.0.11.2', tcp], undefined, ':'), 'database:');
    assert.match(await tell(['127.0.11.1', mixed], 'neither TLS nor HTTP', ':'), /^database:/);
    const headers = { host: 'other.example' };
    assert.equal((await ask(['127.0.11.1', outside], '/', { headers })).status, 404);
  });
});

test('metrics are read, and nothing else of the administration interface', async (t) => {
  const admin = await httpApplication(t, 'admin');
  const at: Address = ['127.0.13.1', await freePort()];
  const destinations = { 'envoy-metrics-cluster': ['127.0.0.1', admin] as const };
  await startProxy(t, p.plan('bookbuyer/bookbuyer', { metrics: true }), { metrics: [at], destinations });
  assert.equal((await ask(at, '/stats/prometheus?usedonly')).status, 200);
  assert.equal((await ask(at, '/stats/prometheus', { method: 'POST' })).status, 404);
  for (const path of [
    '/',
    '/stats',
    '/quitquitquit',
    '/stats/prometheus/../../quitquitquit',
    '/stats/prometheus%2F..',
  ]) {
    assert.equal((await ask(at, path)).status, 404, path);
  }
});

/** What an application that echoes answers to a ClientHello: seen as it is, since it is no TLS. */
async function echoed(address: Address, servername: string): Promise<string> {
  return tell(address, clientHello(servername), ':');
}

/** A minimal ClientHello (RFC 8446 §4.1.2) with a server name. */
function clientHello(servername: string): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
  const sized = (content: Buffer): Buffer => Buffer.concat([u16(content.length), content]);
  const name = sized(Buffer.concat([Buffer.from([0]), sized(Buffer.from(servername))]));
  const extensions = sized(Buffer.concat([u16(0), sized(name)]));
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.from([0]),
    sized(u16(0x1301)),
    Buffer.from([1, 0]),
    extensions,
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(handshake)]);
}
