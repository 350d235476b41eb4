import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

let bench: Bench;
let kubelet: Server;
let directory: string;
const seen: IncomingMessage[] = [];

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'osm-kubelet-'));
  const socket = join(directory, 'node.sock');
  kubelet = createServer((incoming, response) => {
    seen.push(incoming);
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('line 1\n');
    response.end('line 2\n');
  });
  kubelet.on('upgrade', (incoming: IncomingMessage, stream: Duplex) => {
    seen.push(incoming);
    if (incoming.url?.includes('refuse')) {
      stream.end('HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
      return;
    }
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${incoming.headers.upgrade}\r\n\r\n`,
    );
    stream.on('data', (chunk: Buffer) => stream.write(chunk.toString().toUpperCase()));
    stream.on('end', () => stream.end());
  });
  kubelet.listen(socket);
  await once(kubelet, 'listening');
  const link = { kubeletSocket: socket, dial: () => Promise.reject(new Error('not here')) };
  bench = await new Bench({ nodeLink: () => link }).start();
  const post = (path: string, body: object) => bench.ask(path, { method: 'POST', body });
  await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const containers = [{ name: 'app', image: 'i' }];
  await post(PODS, { metadata: { name: 'one' }, spec: { nodeName: 'n', containers } });
  await post(PODS, {
    metadata: { name: 'two' },
    spec: { nodeName: 'n', containers: [...containers, { name: 'b', image: 'i' }] },
  });
  await post(PODS, { metadata: { name: 'nowhere' }, spec: { containers } });
  for (const name of ['one', 'two'])
    await bench.ask(`${PODS}/${name}/status`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: {
        status: {
          phase: 'Running',
          containerStatuses: [
            { name: 'app', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } },
          ],
        },
      },
    });
});

after(async () => {
  await bench.remove();
  kubelet.close();
  rmSync(directory, { recursive: true, force: true });
});

const PODS = '/api/v1/namespaces/default/pods';

test('logs come from the node, by pod and container', async () => {
  const { status, text, headers } = await bench.ask(`${PODS}/one/log?tailLines=5`);
  assert.deepEqual([status, text, headers['content-type']], [200, 'line 1\nline 2\n', 'text/plain']);
  assert.equal(seen.at(-1)?.url, '/logs/default/one/app?tailLines=5');
  assert.equal((await bench.kubectl(['logs', 'one'])).stdout, 'line 1\nline 2\n');
});

test('a request for a stream that cannot be says why', async () => {
  const message = async (path: string) => (await bench.ask(path)).json.message;
  assert.match(
    await message(`${PODS}/two/log`),
    /a container name must be specified for pod two, choose one of: \[app b\]/,
  );
  assert.match(await message(`${PODS}/two/log?container=x`), /container x is not valid for pod two/);
  assert.match(await message(`${PODS}/two/log?container=b`), /container "b" in pod "two" is waiting to start/);
  assert.match(await message(`${PODS}/nowhere/log`), /does not have a host assigned/);
  assert.match(await message(`${PODS}/none/log`), /pods "none" not found/);
  assert.match(await message(`${PODS}/one/exec?command=ls`), /needs an upgrade/);
});

const upgrade = (
  path: string,
  user = bench.admin,
  token = '',
): Promise<{ status: number; stream?: Duplex; text: string }> =>
  new Promise((resolve, reject) => {
    const call = request(`${bench.url}${path}`, {
      method: 'POST',
      agent: false,
      ca: bench.authority.certPem,
      cert: user.certPem,
      key: user.keyPem,
      headers: {
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        'x-kept': 'yes',
        ...(token === '' ? {} : { authorization: token }),
      },
    });
    call.on('upgrade', (response, stream) => resolve({ status: response.statusCode ?? 0, stream, text: '' }));
    call.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject);
    call.end();
  });

test('an upgraded connection goes through byte for byte, without credentials', async () => {
  const { status, stream } = await upgrade(`${PODS}/one/exec?command=sh&stdin=true`, bench.admin, 'Bearer secret');
  assert.equal(status, 101);
  stream?.write('hello');
  const [chunk] = (await once(stream as Duplex, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'HELLO');
  stream?.end();
  await once(stream as Duplex, 'close');
  const incoming = seen.at(-1);
  assert.equal(incoming?.url, '/exec/default/one/app?command=sh&stdin=true');
  assert.equal(incoming?.headers['x-kept'], 'yes');
  assert.equal(incoming?.headers.authorization, undefined);
});

test('port-forward names no container', async () => {
  const { status, stream } = await upgrade(`${PODS}/two/portforward?ports=80`);
  assert.equal(status, 101);
  assert.equal(seen.at(-1)?.url, '/portforward/default/two?ports=80');
  stream?.destroy();
});

test('upgrades are authorized, and refusals of the node come back', async () => {
  const nobody = bench.user('nobody');
  const refused = await upgrade(`${PODS}/one/exec?command=sh`, nobody);
  assert.equal(refused.status, 403);
  assert.match(JSON.parse(refused.text).message, /cannot create resource "pods\/exec"/);
  assert.equal((await upgrade(`${PODS}/one/attach?refuse=1`)).status, 404);
  assert.equal((await upgrade('/api/v1/namespaces')).status, 400);
});
