import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { decode, encode, type Packet } from 'dns-packet';
import { addressesOf } from './dns-records.ts';
import { type DnsServer, replyTo, startDnsServer } from './dns-server.ts';
import { ServiceDirectory } from './service-directory.ts';
import { listings, service, slice } from './testing/listing.ts';

const { services, slices } = listings();
const directory = new ServiceDirectory();
const resolver = new Resolver({ timeout: 2000, tries: 1 });
let server: DnsServer;

before(async () => {
  await directory.follow(services, slices);
  services.put(
    service('web', {
      clusterIP: '198.18.0.7',
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
    service('db', { clusterIP: 'None', ports: [{ name: 'mysql', port: 3306 }] }),
    service('all', { clusterIP: 'None', publishNotReadyAddresses: true, ports: [{ port: 1 }] }),
    service('empty', { clusterIP: 'None', ports: [{ port: 1 }] }),
    service('big', { clusterIP: 'None', ports: [{ port: 1 }] }),
    service('alias', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
    service('outside', { type: 'ExternalName', externalName: 'example.com' }),
    service('loop', { type: 'ExternalName', externalName: 'loop.shop.svc.cluster.local' }),
  );
  slices.put(
    slice(
      'db-1',
      'db',
      [
        { addresses: ['198.19.0.5'], hostname: 'db-0' },
        { addresses: ['198.19.0.6'] },
        { addresses: ['198.19.0.7'], conditions: { ready: false } },
      ],
      [{ name: 'mysql', port: 3306 }],
    ),
    slice('all-1', 'all', [{ addresses: ['198.19.0.9'], conditions: { ready: false } }], [{ port: 1 }]),
    slice(
      'big-1',
      'big',
      Array.from({ length: 100 }, (_, n) => ({ addresses: [`198.19.1.${n}`] })),
      [{ port: 1 }],
    ),
  );
  server = await startDnsServer(directory, '127.0.0.1', 0);
  resolver.setServers([`127.0.0.1:${server.port}`]);
});
after(() => server.close());

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: NodeJS.ErrnoException) => error.code,
  );

test('a ClusterIP service has its address, under any letter case', async () => {
  assert.deepEqual(await resolver.resolve4('web.shop.svc.cluster.local', { ttl: true }), [
    { address: '198.18.0.7', ttl: 5 },
  ]);
  assert.deepEqual(await resolver.resolve4('WEB.Shop.svc.CLUSTER.local'), ['198.18.0.7']);
});

test('a headless service has its ready endpoints, and all when it publishes not ready ones', async () => {
  assert.deepEqual((await resolver.resolve4('db.shop.svc.cluster.local')).sort(), ['198.19.0.5', '198.19.0.6']);
  assert.deepEqual(await resolver.resolve4('all.shop.svc.cluster.local'), ['198.19.0.9']);
  assert.equal(await code(resolver.resolve4('empty.shop.svc.cluster.local')), 'ENOTFOUND');
});

test('endpoints have names: the host name, or their address with dashes', async () => {
  assert.deepEqual(await resolver.resolve4('db-0.db.shop.svc.cluster.local'), ['198.19.0.5']);
  assert.deepEqual(await resolver.resolve4('198-19-0-6.db.shop.svc.cluster.local'), ['198.19.0.6']);
  assert.equal(await code(resolver.resolve4('db-1.db.shop.svc.cluster.local')), 'ENOTFOUND');
  assert.deepEqual(await resolver.resolve4('198-19-0-44.shop.pod.cluster.local'), ['198.19.0.44']);
});

test('named ports have SRV records', async () => {
  const [http] = await resolver.resolveSrv('_http._tcp.web.shop.svc.cluster.local');
  assert.deepEqual([http?.name, http?.port], ['web.shop.svc.cluster.local', 80]);
  const names = (await resolver.resolveSrv('_mysql._tcp.db.shop.svc.cluster.local')).map((r) => r.name).sort();
  assert.deepEqual(names, ['198-19-0-6.db.shop.svc.cluster.local', 'db-0.db.shop.svc.cluster.local']);
  assert.equal(await code(resolver.resolveSrv('_http._udp.web.shop.svc.cluster.local')), 'ENOTFOUND');
});

test('addresses lead back to names', async () => {
  assert.deepEqual(await resolver.resolvePtr('7.0.18.198.in-addr.arpa'), ['web.shop.svc.cluster.local']);
  assert.deepEqual(await resolver.resolvePtr('5.0.19.198.in-addr.arpa'), ['db-0.db.shop.svc.cluster.local']);
  assert.equal(await code(resolver.resolvePtr('8.8.8.8.in-addr.arpa')), 'ENOTFOUND');
});

test('ExternalName is an alias, followed inside the cluster, and never for ever', async () => {
  assert.deepEqual(await resolver.resolve4('alias.shop.svc.cluster.local'), ['198.18.0.7']);
  assert.deepEqual(await resolver.resolveCname('outside.shop.svc.cluster.local'), ['example.com']);
  assert.deepEqual(addressesOf(directory, 'loop.shop.svc'), []);
});

test('a name that is there but has no such record is empty; what is not there is NXDOMAIN', async () => {
  assert.equal(await code(resolver.resolve6('web.shop.svc.cluster.local')), 'ENODATA');
  assert.equal(await code(resolver.resolve4('shop.svc.cluster.local')), 'ENODATA');
  assert.equal(await code(resolver.resolve4('none.shop.svc.cluster.local')), 'ENOTFOUND');
  assert.equal(await code(resolver.resolve4('web.nowhere.svc.cluster.local')), 'ENOTFOUND');
  assert.equal(await code(resolver.resolve4('example.com')), 'ENOTFOUND');
  assert.equal(await code(resolver.resolve4('example.com.shop.svc.cluster.local')), 'ENOTFOUND');
});

test('an answer too long for UDP is cut and comes whole over TCP', async () => {
  assert.equal((await resolver.resolve4('big.shop.svc.cluster.local')).length, 100);
  const query: Packet = {
    type: 'query',
    id: 7,
    questions: [{ name: 'big.shop.svc.cluster.local', type: 'A', class: 'IN' }],
  };
  const cut = replyTo(directory, Buffer.from(encode(query)), 'udp');
  assert.ok(cut && cut.length <= 512);
  assert.equal(decode(cut).flag_tc, true);
  const socket = connect(server.port, '127.0.0.1');
  const wire = Buffer.from(encode(query));
  const framed = Buffer.concat([Buffer.from([wire.length >> 8, wire.length & 255]), wire]);
  // In two parts, and two questions at once.
  socket.write(framed.subarray(0, 5));
  socket.write(Buffer.concat([framed.subarray(5), framed]));
  let received: Buffer = Buffer.alloc(0);
  while (received.length < 2 || received.length < 2 * (2 + received.readUInt16BE(0))) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  socket.destroy();
  assert.equal(decode(received.subarray(2)).answers?.length, 100);
});

test('nonsense gets a format error, and never brings the server down', async () => {
  assert.equal(replyTo(directory, Buffer.from('x'), 'udp'), undefined);
  const reply = replyTo(directory, Buffer.concat([Buffer.from([1, 2, 1, 0, 0, 9]), Buffer.alloc(20, 0xc0)]), 'udp');
  assert.equal(reply?.readUInt16BE(2), 0x8001);
  const answer = replyTo(directory, Buffer.from(encode({ type: 'response', id: 3, answers: [] })), 'udp');
  assert.equal(answer, undefined);
});

test('a change is seen at once', async () => {
  const moving = service('moving', { clusterIP: '198.18.0.90', ports: [] });
  services.put(moving);
  assert.deepEqual(addressesOf(directory, 'moving.shop.svc'), ['198.18.0.90']);
  services.put(service('moving', { clusterIP: '198.18.0.91', ports: [] }));
  assert.deepEqual(addressesOf(directory, 'moving.shop.svc.cluster.local.'), ['198.18.0.91']);
  assert.equal(await code(resolver.resolvePtr('90.0.18.198.in-addr.arpa')), 'ENOTFOUND');
  services.remove(moving);
  assert.deepEqual(addressesOf(directory, 'moving.shop.svc'), []);
});
