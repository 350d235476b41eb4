import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GATEWAY_IP } from './addresses.ts';
import { setUpBridge } from './bridge.ts';
import { setUpMounts } from './mounts.ts';
import { type PodNetwork, PodNetworks } from './pod-network.ts';
import { run } from './run.ts';
import { ServiceDirectory } from './service-directory.ts';
import { ServiceProxy } from './service-proxy.ts';
import { insideNamespaces } from './testing/inside.ts';
import { listings, service, slice } from './testing/listing.ts';

/** Answers every TCP connection with a word and the peer's address; prints a line when it listens. */
const ECHO = `require('node:net').createServer((s) => s.end(process.argv[1] + ' ' + s.remoteAddress)).listen(Number(process.argv[2]), '0.0.0.0', () => console.log('up'));
const u = require('node:dgram').createSocket('udp4'); u.on('message', (m, f) => u.send(process.argv[1], f.port, f.address)); u.bind(Number(process.argv[2]));`;
const ASK = `const s = require('node:net').connect({ host: process.argv[1], port: Number(process.argv[2]) }); let t = '';
s.setTimeout(3000, () => { console.log('ETIMEDOUT'); s.destroy(); }); s.on('data', (d) => (t += d)); s.on('end', () => console.log(t)); s.on('error', (e) => console.log(e.code));`;
const ASK_UDP = `const u = require('node:dgram').createSocket('udp4'); u.on('message', (m) => { console.log(String(m)); u.close(); }); u.send('?', Number(process.argv[2]), process.argv[1]);
setTimeout(() => { console.log('ETIMEDOUT'); process.exit(); }, 3000).unref();`;

insideNamespaces(import.meta.url, () => {
  const networks = new PodNetworks();
  const { services, slices } = listings();
  const directory = new ServiceDirectory();
  const faults: string[] = [];
  const proxy = new ServiceProxy(directory, (message) => faults.push(message));
  const servers: ReturnType<typeof spawn>[] = [];
  let a: PodNetwork;
  let b: PodNetwork;

  const inPod = async (pod: PodNetwork, script: string, ...argv: readonly string[]) =>
    (await run('nsenter', [`--net=${pod.netns}`, process.execPath, '-e', script, ...argv])).trim();
  const serve = async (pod: PodNetwork, word: string, port: number) => {
    const child = spawn('nsenter', [`--net=${pod.netns}`, process.execPath, '-e', ECHO, word, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    servers.push(child);
    await once(child.stdout, 'data');
  };

  let directoryOfState: string;

  before(async () => {
    directoryOfState = await mkdtemp(join(tmpdir(), 'osm-network-'));
    await setUpMounts(directoryOfState, []);
    await setUpBridge();
    await directory.follow(services, slices);
    await proxy.start();
    [a, b] = await Promise.all([networks.create('shop/a'), networks.create('shop/b')]);
    await Promise.all([serve(a, 'a', 8080), serve(b, 'b', 8080)]);
  });
  after(() => {
    for (const server of servers) server.kill('SIGKILL');
    rmSync(directoryOfState, { recursive: true });
  });

  test('pods reach each other and the node by address, through the node', async () => {
    assert.equal(await inPod(a, ASK, b.ip, '8080'), `b ${a.ip}`);
    const onNode = createServer((socket) => socket.end('node')).listen(7000, GATEWAY_IP);
    await once(onNode, 'listening');
    assert.equal(await inPod(b, ASK, GATEWAY_IP, '7000'), 'node');
    onNode.close();
    const forwarded = Number(
      /^Ip: \d+ \d+ \d+ \d+ \d+ (\d+)/m.exec(
        (await readFile('/proc/net/snmp', 'utf8')).replace(/^Ip: F.*\n/m, ''),
      )?.[1],
    );
    assert.ok(forwarded > 0, 'packets between pods are routed by the node');
  });

  test('a service address leads to its ready endpoints, and to the pod itself too', async () => {
    services.put(service('web', { clusterIP: '198.18.0.50', ports: [{ name: 'http', port: 80 }] }));
    slices.put(slice('web-1', 'web', [{ addresses: [a.ip] }, { addresses: [b.ip] }], [{ name: 'http', port: 8080 }]));
    await proxy.settled();
    const seen = new Set<string>();
    for (let tries = 0; tries < 40 && seen.size < 2; tries += 1)
      seen.add((await inPod(a, ASK, '198.18.0.50', '80')).split(' ')[0] ?? '');
    assert.deepEqual([...seen].sort(), ['a', 'b']);
    slices.put(
      slice(
        'web-1',
        'web',
        [{ addresses: [a.ip] }, { addresses: [b.ip], conditions: { ready: false } }],
        [{ name: 'http', port: 8080 }],
      ),
    );
    await proxy.settled();
    // Its own address comes back masqueraded as the node's.
    assert.equal(await inPod(a, ASK, '198.18.0.50', '80'), `a ${GATEWAY_IP}`);
    assert.equal(await inPod(b, ASK, '198.18.0.50', '80'), `a ${b.ip}`);
  });

  test('the node itself reaches a service', async () => {
    const socket = connect({ host: '198.18.0.50', port: 80 });
    const [data] = (await once(socket, 'data')) as [Buffer];
    assert.equal(data.toString('utf8'), `a ${GATEWAY_IP}`);
  });

  test('a service without endpoints, an unknown port and an unknown address refuse at once', async () => {
    assert.equal(await inPod(a, ASK, '198.18.0.50', '81'), 'ECONNREFUSED');
    assert.equal(await inPod(a, ASK, '198.18.9.9', '80'), 'ECONNREFUSED');
    slices.remove(slice('web-1', 'web', [], []));
    await proxy.settled();
    assert.equal(await inPod(a, ASK, '198.18.0.50', '80'), 'ECONNREFUSED');
    assert.equal(await inPod(a, ASK, '198.19.200.200', '80'), 'EHOSTUNREACH');
  });

  test('UDP is forwarded', async () => {
    services.put(service('udp', { clusterIP: '198.18.0.51', ports: [{ port: 53, protocol: 'UDP' }] }));
    slices.put(slice('udp-1', 'udp', [{ addresses: [b.ip] }], [{ port: 8080, protocol: 'UDP' }]));
    await proxy.settled();
    assert.equal(await inPod(a, ASK_UDP, '198.18.0.51', '53'), 'b');
  });

  test('nothing leads outside', async () => {
    assert.match(await inPod(a, ASK, '203.0.113.1', '80'), /^E(NET|HOST)UNREACH$/);
    assert.match(await inPod(a, ASK, '127.0.0.2', '80'), /^ECONNREFUSED$/);
  });

  test('a released address is given again last, and nothing of the pod stays', async () => {
    const c = await networks.create('shop/c');
    await c.release();
    await c.release();
    const d = await networks.create('shop/d');
    assert.notEqual(c.ip, d.ip);
    await d.release();
    assert.doesNotMatch(await run('ip', ['-br', 'link']), new RegExp(`veth-${c.ip.split('.').slice(2).join('-')}`));
    assert.doesNotMatch(await run('ip', ['route']), new RegExp(c.ip.replaceAll('.', '\\.')));
    assert.doesNotMatch(await run('ip', ['netns']), /pod-0-[45]/);
  });

  test('many services change in few transactions, and the kernel holds exactly the result', async () => {
    for (let n = 1; n <= 200; n += 1) {
      services.put(
        service(`s${n}`, {
          clusterIP: `198.18.1.${n}`,
          ports: [{ port: 80 }, { port: 81, name: 'x', protocol: 'UDP' }],
          sessionAffinity: n % 2 ? 'ClientIP' : 'None',
        }),
      );
      slices.put(
        slice(
          `s${n}-1`,
          `s${n}`,
          [{ addresses: [a.ip, b.ip] }],
          [{ port: 8080 }, { name: 'x', port: 9, protocol: 'UDP' }],
        ),
      );
    }
    await proxy.settled();
    const rules = await run('nft', ['list', 'table', 'ip', 'osm']);
    assert.equal(rules.match(/chain to-198\.18\.1\./g)?.length, 400);
    assert.equal(await inPod(a, ASK, '198.18.1.77', '80').then((text) => text.length > 0), true);
    for (let n = 1; n <= 200; n += 1) services.remove(service(`s${n}`, {}));
    await proxy.settled();
    assert.doesNotMatch(await run('nft', ['list', 'table', 'ip', 'osm']), /198\.18\.1\./);
    assert.deepEqual(faults, []);
  });
});
