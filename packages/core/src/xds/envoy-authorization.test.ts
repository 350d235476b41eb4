import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ExternalAuthorization } from '../plan/types.ts';
import { ask, echoOf, httpApplication } from './testing/applications.ts';
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

/** An authorization service asked by plain HTTP: it wants a cookie, names the user to the application, and redirects others. */
async function httpAuthorizer(t: TestContext): Promise<number> {
  const server = createHttpServer((asked, response) => {
    const user = /user=(\w+)/.exec(asked.headers.cookie ?? '')?.[1];
    response.statusCode = user === undefined ? 302 : 200;
    response.setHeader(user === undefined ? 'location' : 'x-user', user ?? `/login?next=${asked.url}`);
    response.setHeader('x-inner', 'secret');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A proxy before an application, that asks an authorization service about each request; where it is dialled. */
async function asking(
  t: TestContext,
  network: string,
  target: number,
  authorization: Partial<ExternalAuthorization>,
): Promise<Address> {
  const at: Address = [network, target];
  const ingress = {
    service: p.service('bookstore/books'),
    targetPort: target,
    sourceRanges: [],
    origins: [p.origin('IngressBackend', 'bookstore/books')],
  };
  const externalAuthorization = { statPrefix: 'x', timeoutMs: 1000, failureModeAllow: false, ...authorization };
  const settings = { ...p.SETTINGS, externalAuthorization };
  await startProxy(t, p.plan('bookstore/bookstore', { settings, ingress: [ingress] }), { inbound: [at] });
  return at;
}

const local = (port: number) => ({ address: '127.0.0.1', port });

test('requests pass that the authorization service lets pass', async (t) => {
  const target = await httpApplication(t, 'books');
  const [asked, silent] = [await authorizer(t, 'open-sesame'), await freePort()];
  const [ask1, closed, open, unknown] = await Promise.all([
    asking(t, '127.0.14.1', target, { at: local(asked) }),
    asking(t, '127.0.14.2', target, { at: local(silent) }),
    asking(t, '127.0.14.3', target, { at: local(silent), failureModeAllow: true }),
    asking(t, '127.0.14.4', target, {}),
  ]);
  assert.equal((await ask(ask1, '/open-sesame')).status, 200);
  assert.equal((await ask(ask1, '/other')).status, 403);
  assert.equal((await ask(closed, '/open-sesame')).status, 403);
  assert.equal((await ask(open, '/other')).status, 200);
  assert.equal((await ask(unknown, '/open-sesame')).status, 403);
});

test('an authorization service may be asked by plain HTTP', async (t) => {
  const target = await httpApplication(t, 'books');
  const http = {
    pathPrefix: '/check',
    requestHeaders: ['cookie'],
    upstreamHeaders: ['x-user'],
    clientHeaders: ['location'],
  };
  const [asked, closed, open] = await Promise.all([
    asking(t, '127.0.14.5', target, { at: local(await httpAuthorizer(t)), http }),
    asking(t, '127.0.14.6', target, { at: local(await freePort()), http }),
    asking(t, '127.0.14.7', target, { at: local(await freePort()), http, failureModeAllow: true }),
  ]);
  const allowed = await ask(asked, '/books', { headers: { cookie: 'user=alice' } });
  assert.equal(allowed.status, 200);
  assert.equal(echoOf(allowed).headers['x-user'], 'alice');
  assert.equal(echoOf(allowed).headers['x-inner'], undefined);
  const denied = await ask(asked, '/books');
  assert.equal(denied.status, 302);
  assert.equal(denied.headers.location, '/login?next=/check/books');
  assert.equal(denied.headers['x-inner'], undefined);
  assert.equal((await ask(closed, '/books', { headers: { cookie: 'user=alice' } })).status, 403);
  assert.equal((await ask(open, '/books')).status, 200);
});
