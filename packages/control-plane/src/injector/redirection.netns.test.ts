import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { initContainer } from './containers.ts';
import { redirectionRules } from './redirection.ts';
import { readSidecarSettings } from './settings.ts';

const run = promisify(execFile);

/**
 * Runs in a network namespace of its own: listeners on the proxy's two ports say which one they are, and a client
 * tells who answered for each destination.
 */
const PROBE = `
import { createServer, connect } from 'node:net';
const [user, ...targets] = process.argv.slice(1);
const servers = [];
if (user === 'root') {
  for (const port of [15001, 15003, 8080]) {
    await new Promise((done) => servers.push(createServer((s) => s.end(String(port))).listen(port, '0.0.0.0', done)));
  }
}
const ask = (target) => new Promise((done) => {
  const [host, port] = target.split(':');
  const socket = connect({ host, port: Number(port) });
  let text = '';
  const timer = setTimeout(() => { socket.destroy(); done('nobody'); }, 400);
  socket.on('data', (chunk) => { text += chunk; });
  socket.on('close', () => { clearTimeout(timer); done(text === '' ? 'nobody' : text); });
  socket.on('error', () => {});
});
const answers = {};
await Promise.all(targets.map(async (target) => { answers[target] = await ask(target); }));
if (user === 'root') {
  const { execFileSync } = await import('node:child_process');
  const script = process.env.PROBE;
  const child = await new Promise((done, fail) => import('node:child_process').then(({ execFile }) =>
    execFile('setpriv', ['--reuid', '1500', '--regid', '1500', '--clear-groups', process.execPath, '--input-type=module', '-e', script, 'envoy', ...targets],
      (error, stdout) => error ? fail(error) : done(stdout))));
  console.log(JSON.stringify({ application: answers, envoy: JSON.parse(child) }));
  process.exit(0);
}
console.log(JSON.stringify(answers));
`;

test('the kernel takes the document and redirects what it should', async () => {
  const rules = redirectionRules({
    inboundPortExclusions: Array.from({ length: 20 }, (_, i) => 21000 + i),
    outboundPortExclusions: [6379],
    outboundIPRangeExclusions: ['192.0.2.128/25'],
    outboundIPRangeInclusions: [],
    networkInterfaceExclusions: ['other0'],
    infrastructure: [{ cidr: '192.0.2.9/32', port: 6443 }],
    probePorts: [15910],
    localProxyMode: 'Localhost',
  });
  const args = initContainer(readSidecarSettings(undefined), 'init', 'Never', rules).args as string[];
  const targets = [
    '192.0.2.7:80',
    '192.0.2.200:80',
    '192.0.2.7:6379',
    '192.0.2.9:6443',
    '192.0.2.9:443',
    '127.0.0.1:8080',
    '192.0.2.1:8080',
  ];
  const script = `
    set -e
    ip link set lo up
    ip link add eth0 type veth peer name far0
    ip address add 192.0.2.1/24 dev eth0
    ip link set eth0 up
    ip link set far0 up
    /bin/sh -c "$INIT"
    /bin/sh -c "$INIT"
    exec "$NODE" --input-type=module -e "$PROBE" root ${targets.join(' ')}
  `;
  const namespace =
    process.getuid?.() === 0 ? ['--net', '--mount'] : ['--user', '--map-root-user', '--map-auto', '--net', '--mount'];
  const { stdout } = await run('unshare', [...namespace, 'sh', '-c', script], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, INIT: args[1], NODE: process.execPath, PROBE },
  });
  const { application, envoy } = JSON.parse(stdout) as Record<'application' | 'envoy', Record<string, string>>;
  assert.deepEqual(application, {
    '192.0.2.7:80': '15001',
    '192.0.2.200:80': 'nobody',
    '192.0.2.7:6379': 'nobody',
    '192.0.2.9:6443': 'nobody',
    '192.0.2.9:443': '15001',
    '127.0.0.1:8080': '8080',
    '192.0.2.1:8080': '8080',
  });
  // Envoy's own connections leave; only the pod's own address leads back to its inbound listener.
  assert.deepEqual(envoy, {
    '192.0.2.7:80': 'nobody',
    '192.0.2.200:80': 'nobody',
    '192.0.2.7:6379': 'nobody',
    '192.0.2.9:6443': 'nobody',
    '192.0.2.9:443': 'nobody',
    '127.0.0.1:8080': '8080',
    '192.0.2.1:8080': '15003',
  });
});
