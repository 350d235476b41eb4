import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { startHealthcheck } from './healthcheck.ts';

test('the healthcheck tells whether the port of the header is open', async (t) => {
  const application = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => {
    application.listen(0, '127.0.0.1', resolve);
  });
  const open = (application.address() as AddressInfo).port;
  const healthcheck = await startHealthcheck('127.0.0.1', 0);
  t.after(() => healthcheck.close());
  const ask = async (headers: Record<string, string>, path = '/osm-healthcheck'): Promise<number> =>
    (await fetch(`http://127.0.0.1:${healthcheck.port}${path}`, { headers })).status;
  assert.equal(await ask({ 'Original-Tcp-Port': String(open) }), 200);
  assert.equal(await ask({}), 400);
  assert.equal(await ask({ 'Original-Tcp-Port': '0' }), 400);
  assert.equal(await ask({ 'Original-Tcp-Port': '70000' }), 400);
  assert.equal(await ask({ 'Original-Tcp-Port': String(open) }, '/other'), 404);
  await new Promise((resolve) => application.close(resolve));
  assert.equal(await ask({ 'Original-Tcp-Port': String(open) }), 404);
});
