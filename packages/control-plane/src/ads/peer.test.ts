import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { TYPE_URL } from '@osm/envoy';
import { createAdsServer } from './server.ts';
import { createTestAuthority, openStream, recordEvents, resourceSet, writeDeltaRequest } from './testing.ts';

test('names with commas and quotes are told as they are', async (t) => {
  const { issuer, server } = await createTestAuthority();
  const events = recordEvents();
  const ads = createAdsServer({ certificate: server, events });
  t.after(() => ads.close());
  const port = await ads.listen('127.0.0.1', 0);
  const uris = ['spiffe://test/a,URI:spiffe://test/b', 'spiffe://test/"q"', 'spiffe://test/plain'];
  let seen: readonly string[] = [];
  events.connected = (proxy) => {
    seen = [proxy.commonName, ...proxy.uris];
    ads.setResources(proxy.connectionId, resourceSet());
  };
  const stream = openStream(
    port,
    await issuer.issue({ commonName: 'a, CN=b', dnsNames: ['x'], uris, validitySeconds: 60 }),
  );
  t.after(() => stream.close());
  stream.send(writeDeltaRequest({ typeUrl: TYPE_URL.cluster, nodeId: 'n' }));
  await stream.receive();
  assert.deepEqual(seen, ['a, CN=b', ...uris]);
});

test('TLS below 1.2 is refused, sessions are not resumed, and a certificate is demanded', async (t) => {
  const authority = await createTestAuthority();
  const ads = createAdsServer({ certificate: authority.server, events: recordEvents() });
  t.after(() => ads.close());
  const port = await ads.listen('127.0.0.1', 0);
  const proxy = await authority.proxy();
  const base: ConnectionOptions = {
    host: '127.0.0.1',
    port,
    ca: proxy.trustPem,
    servername: 'ads.test',
    ALPNProtocols: ['h2'],
    ciphers: 'DEFAULT@SECLEVEL=0',
  };
  const known = { cert: proxy.chainPem, key: proxy.keyPem };
  /** Connects, and waits until the server has spoken HTTP/2, or has ended the connection. */
  const speak = async (options: ConnectionOptions): Promise<TLSSocket> => {
    const socket = connect({ ...base, ...options });
    t.after(() => socket.destroy());
    await Promise.race([once(socket, 'data'), once(socket, 'end').then(() => assert.fail('the server hung up'))]);
    return socket;
  };
  await assert.rejects(speak({ ...known, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }));
  await assert.rejects(speak({}));
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined;
    const socket = connect({ ...base, ...known, minVersion: version, maxVersion: version });
    t.after(() => socket.destroy());
    socket.on('session', (ticket: Buffer) => {
      session = ticket;
    });
    await once(socket, 'data');
    assert.equal(socket.getProtocol(), version);
    const again = await speak({
      ...known,
      minVersion: version,
      maxVersion: version,
      ...(session === undefined ? {} : { session }),
    });
    assert.equal(again.isSessionReused(), false);
  }
});
