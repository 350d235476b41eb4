import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ask, httpApplication } from './testing/applications.ts';
import { type Address, freePort, startProxy } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** The mesh's authorization service, asked by the real Envoy. */

/** A gRPC answer: one message, not compressed (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const framed = (message: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);

/** `CheckResponse` with a `status` of code 0, which lets a request pass, or 7 (PERMISSION_DENIED). */
const [OK, DENIED] = [Buffer.from([0x0a, 0]), Buffer.from([0x0a, 2, 0x08, 7])] as const;

/** An authorization service that lets requests pass whose bytes hold a word; its port. */
async function authorizer(t: TestContext, word: string): Promise<number> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(framed(Buffer.concat(parts).includes(word) ? OK : DENIED));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('requests pass that the authorization service lets pass', async (t) => {
  const target = await httpApplication(t, 'books');
  const [asked, silent] = [await authorizer(t, 'open-sesame'), await freePort()];
  const proxy = async (network: string, port: number, failureModeAllow: boolean): Promise<Address> => {
    const at: Address = [network, target];
    const ingress = {
      service: p.service('bookstore/books'),
      targetPort: target,
      sourceRanges: [],
      origins: [p.origin('IngressBackend', 'bookstore/books')],
    };
    const externalAuthorization = { address: '127.0.0.1', port, statPrefix: 'x', timeoutMs: 1000, failureModeAllow };
    const settings = { ...p.SETTINGS, externalAuthorization };
    await startProxy(t, p.plan('bookstore/bookstore', { settings, ingress: [ingress] }), { inbound: [at] });
    return at;
  };
  const [asking, closed, open] = await Promise.all([
    proxy('127.0.14.1', asked, false),
    proxy('127.0.14.2', silent, false),
    proxy('127.0.14.3', silent, true),
  ]);
  assert.equal((await ask(asking, '/open-sesame')).status, 200);
  assert.equal((await ask(asking, '/other')).status, 403);
  assert.equal((await ask(closed, '/open-sesame')).status, 403);
  assert.equal((await ask(open, '/other')).status, 200);
});
