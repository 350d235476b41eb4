import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { createServer, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type KubeletRoutes, startNodeServer } from '../node/node-server.ts';
import { createNodeLink } from './node-link.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-link-'));
const socketPath = join(directory, 'node.sock');
const link = createNodeLink(socketPath);
let kubelet: KubeletRoutes | undefined;
let server: Server;
let echo: NetServer;
let port: number;

before(async () => {
  server = await startNodeServer(
    socketPath,
    (host) => (host === 'hook.shop.svc' ? ['127.0.0.1'] : []),
    () => kubelet,
  );
  // Speaks first, then gives back what it gets, in upper case, until the other side ends.
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('hello ');
    socket.on('data', (data: Buffer) => socket.write(data.toString('utf8').toUpperCase()));
    socket.on('end', () => socket.end('bye'));
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
after(() => {
  server.close();
  echo.close();
  rmSync(directory, { recursive: true });
});

test('dial gives the bytes of a connection made inside, half-closing included', async () => {
  for (const host of ['127.0.0.1', 'hook.shop.svc']) {
    const stream = await link.dial(host, port, 2000);
    stream.end('x'.repeat(300_000));
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    assert.equal(text, `hello ${'X'.repeat(300_000)}bye`);
  }
});

test('dial says why it cannot', async () => {
  await assert.rejects(link.dial('127.0.0.1', 1, 2000), /cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
  await assert.rejects(link.dial('nobody.shop.svc', 80, 2000), /no such host in the cluster: nobody\.shop\.svc/);
  await assert.rejects(link.dial('127.0.0.1', 70_000, 2000), /no such port: 70000/);
  await assert.rejects(createNodeLink(join(directory, 'none.sock')).dial('a', 1, 2000), /ENOENT/);
});

test('everything else is the kubelet’s, once there is one', async () => {
  const get = async (path: string) => {
    const call = request({ socketPath, path }).end();
    const [response] = (await once(call, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  assert.equal(await get('/logs/x'), 503);
  kubelet = {
    handler: (message, response) => response.writeHead(message.url === '/logs/x' ? 200 : 404).end(),
    upgrade: (_message, socket) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nkubelet'),
  };
  assert.equal(await get('/logs/x'), 200);
  const call = request({ socketPath, path: '/exec/x', headers: { Connection: 'Upgrade', Upgrade: 'x' } }).end();
  const [, , head] = (await once(call, 'upgrade')) as [unknown, unknown, Buffer];
  assert.equal(head.toString('utf8'), 'kubelet');
});

test('the socket is its owner’s alone', () => {
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
});
