import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';
import { inNamespace } from './testing/in-namespace.ts';
import { Kubectl } from './testing/kubectl.ts';

inNamespace(import.meta.url, () => {
  const bench = new Bench();
  const kubectl = new Kubectl(bench);
  before(async () => {
    await bench.start();
    await kubectl.listen();
    const server = `
      const http = require('node:http'), net = require('node:net');
      http.createServer((q, r) => { r.end('hello from ' + q.url); }).listen(15000, '127.0.0.1');
      net.createServer((s) => { s.write('greeting first\\n'); s.pipe(s); }).listen(3306, '127.0.0.1');
      console.log('listening');`;
    await bench.pod('served', {
      containers: [
        {
          name: 'main',
          image: 'node',
          args: [server],
          env: [{ name: 'COLOUR', value: 'green' }],
          securityContext: { runAsUser: 1500, runAsGroup: 1500 },
        },
        {
          name: 'chatty',
          image: 'sh',
          args: ['i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); done; echo to stderr >&2; exec sleep 3600'],
        },
      ],
    });
    await bench.until('served', (p) => p.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'));
  });
  after(async () => {
    kubectl.close();
    await bench.close();
  });

  test('exec runs as the container: user, environment, exit code, both streams', async () => {
    const result = await kubectl.run([
      'exec',
      'served',
      '-c',
      'main',
      '--',
      'sh',
      '-c',
      'id -u; echo $COLOUR; hostname; echo oops >&2; exit 7',
    ]);
    assert.equal(result.stdout, '1500\ngreen\nserved\n');
    assert.match(result.stderr, /^oops\n/);
    assert.equal(result.code, 7);
  });

  test('exec carries standard input to its end', async () => {
    const input = 'x'.repeat(300_000);
    const result = await kubectl.run(['exec', '-i', 'served', '-c', 'main', '--', 'wc', '-c'], input);
    assert.equal(result.stdout.trim(), '300000');
  });

  test('exec with a terminal: input is echoed, the size is passed on, the exit code comes back', async () => {
    const wait =
      'until [ "$(stty size)" = "33 101" ]; do sleep 0.02; done; echo resized; read word; echo "got $word"; exit 4';
    const line = `stty rows 33 cols 101; ${kubectl.line('exec', '-it', 'served', '-c', 'main', '--', 'sh', '-c', wait)}`;
    const client = spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
      env: { HOME: bench.stateDir, PATH: process.env.PATH, SHELL: '/bin/sh', TERM: 'xterm' },
    });
    let screen = '';
    client.stdout.on('data', (chunk: Buffer) => {
      screen += chunk.toString('utf8');
      if (/resized/.test(screen) && client.stdin.writable) client.stdin.end('typed\n');
    });
    const [code] = (await once(client, 'close')) as [number];
    assert.match(screen, /resized/);
    assert.match(screen, /typed[\s\S]*got typed/, 'echoed by the terminal, then read by the command');
    assert.equal(code, 4);
  });

  test('exec of an unknown command fails with its reason', async () => {
    const result = await kubectl.run(['exec', 'served', '-c', 'main', '--', '/no/such']);
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /no\/such/);
  });

  test('logs: all, tail, timestamps, streams of one container', async () => {
    const all = await kubectl.run(['logs', 'served', '-c', 'chatty']);
    assert.equal(all.stdout, 'line 0\nline 1\nline 2\nline 3\nline 4\nto stderr\n');
    const tail = await kubectl.run(['logs', 'served', '-c', 'chatty', '--tail=2', '--timestamps']);
    assert.match(tail.stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 4\n\S+Z to stderr\n$/);
    const limited = await kubectl.run(['logs', 'served', '-c', 'chatty', '--limit-bytes=9']);
    assert.equal(limited.stdout, 'line 0\nli');
    const previous = await kubectl.run(['logs', 'served', '-c', 'chatty', '--previous']);
    assert.match(previous.stderr, /previous terminated container .*not found/);
  });

  test('logs -f follows until the container ends', async () => {
    await bench.pod('talks', {
      restartPolicy: 'Never',
      containers: [
        { name: 'main', image: 'sh', args: ['echo one; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo two'] },
      ],
    });
    await bench.until('talks', (p) => p.status?.phase === 'Running');
    const follower = kubectl.spawn('logs', '-f', 'talks');
    let text = '';
    const first = new Promise<void>((resolve) => {
      follower.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        resolve();
      });
    });
    const closed = once(follower, 'close');
    await first;
    await kubectl.run(['exec', 'talks', '--', 'touch', '/tmp/go']);
    await closed;
    assert.equal(text, 'one\ntwo\n');
  });

  test('attach sees new output and ends with the container', async () => {
    await bench.pod('echoes', {
      restartPolicy: 'Never',
      containers: [
        { name: 'main', image: 'sh', args: ['read line; echo "got $line"; exit 0'], stdin: true, stdinOnce: true },
      ],
    });
    await bench.until('echoes', (p) => p.status?.phase === 'Running');
    const result = await kubectl.run(['attach', '-i', 'echoes'], 'word\n');
    assert.match(result.stdout, /got word/);
  });

  const forwards = async (webSockets: 'true' | 'false'): Promise<void> => {
    kubectl.env.KUBECTL_PORT_FORWARD_WEBSOCKETS = webSockets;
    const forward = kubectl.spawn('port-forward', 'served', ':15000', ':3306', ':81');
    const ports: number[] = [];
    let errors = '';
    forward.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    await new Promise<void>((resolve, reject) => {
      let text = '';
      forward.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        ports.splice(0, ports.length, ...[...text.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map((m) => Number(m[1])));
        if (ports.length === 3) resolve();
      });
      forward.once('close', () => reject(new Error(`port-forward ended: ${errors}`)));
    });
    try {
      for (let round = 0; round < 3; round++) {
        const body = await new Promise<string>((resolve, reject) => {
          get({ host: '127.0.0.1', port: ports[0], path: `/stats${round}`, agent: false }, (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => {
              text += chunk.toString('utf8');
            });
            response.on('end', () => resolve(text));
          }).on('error', reject);
        });
        assert.equal(body, `hello from /stats${round}`);
      }
      const socket = connect({ host: '127.0.0.1', port: ports[1] ?? 0 });
      const [greeting] = (await once(socket, 'data')) as [Buffer];
      assert.equal(greeting.toString('utf8'), 'greeting first\n');
      const payload = Buffer.alloc(2_000_000, 'a');
      let received = 0;
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      socket.end(payload);
      await once(socket, 'end');
      assert.equal(received, payload.length);
      const refused = connect({ host: '127.0.0.1', port: ports[2] ?? 0 });
      refused.on('error', () => {});
      await once(refused, 'close');
      while (!/ECONNREFUSED/.test(errors)) await once(forward.stderr as NodeJS.ReadableStream, 'data');
      assert.equal(kubectl.upgrades.at(-1), webSockets === 'true' ? 'websocket' : 'spdy/3.1');
    } finally {
      forward.kill();
    }
  };
  test('port-forward reaches 127.0.0.1 in the pod, server-speaks-first included', () => forwards('true'));
  test('port-forward over SPDY itself, for older clients', () => forwards('false'));
});
