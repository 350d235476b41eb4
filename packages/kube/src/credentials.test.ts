import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createKubeClient } from './client.ts';
import type { ExecPlugin } from './config.ts';
import { createCredentialSource } from './credentials.ts';
import { TYPES } from './resource-types.ts';
import { type Handler, HttpsServer, json, status, testAuthority } from './testing/https-server.ts';
import { ApiError } from './types.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-credentials-'));
const stops: (() => unknown)[] = [() => rmSync(directory, { recursive: true })];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

const server = await HttpsServer.start(() => {});
stops.push(() => server.stop());
const ok: Handler = (_, response) => json(response, 200, { kind: 'Node' });
/** Takes one token only. */
const taking =
  (token: string): Handler =>
  (seen, response) =>
    seen.headers.authorization === `Bearer ${token}`
      ? ok(seen, response)
      : json(response, 401, status(401, 'Unauthorized'));
const ask = (client: ReturnType<typeof createKubeClient>) => client.get(TYPES.nodes, 'n');
const path = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

test('a token file is read again after ten seconds, and kept while it is being replaced', async () => {
  let now = 1_000_000;
  const tokenFile = path('projected', 'one\n');
  const source = createCredentialSource({ server: 'https://x', tokenFile }, () => now);
  assert.equal((await source.read()).token, 'one');
  writeFileSync(tokenFile, 'two\n');
  now += 9_000;
  assert.equal((await source.read()).token, 'one');
  now += 1_000;
  assert.equal((await source.read()).token, 'two');
  rmSync(tokenFile);
  now += 20_000;
  assert.equal((await source.read()).token, 'two');
  const lacking = createCredentialSource({ server: 'https://x', tokenFile });
  await assert.rejects(lacking.read(), /cannot read .*projected: ENOENT/);
});

test('a refused token is read again at once, and the request repeated once', async () => {
  const tokenFile = path('token', 'old');
  const client = createKubeClient({ ...server.config, tokenFile });
  server.handler = taking('old');
  await ask(client);
  server.handler = taking('new');
  writeFileSync(tokenFile, 'new');
  server.seen.length = 0;
  await ask(client);
  assert.deepEqual(
    server.seen.map(({ headers }) => headers.authorization),
    ['Bearer old', 'Bearer new'],
  );
  server.handler = taking('another');
  server.seen.length = 0;
  await assert.rejects(ask(client), (error) => error instanceof ApiError && error.code === 401);
  assert.equal(server.seen.length, 2);
  client.close();

  const fixed = createKubeClient({ ...server.config, token: 'fixed' });
  server.seen.length = 0;
  await assert.rejects(ask(fixed), (error) => error instanceof ApiError && error.code === 401);
  assert.equal(server.seen.length, 1, 'a fixed token is not tried twice');
  fixed.close();
});

test('replaced certificate files serve the next connection', async () => {
  const [first, second] = [testAuthority().issue('/CN=first'), testAuthority().issue('/CN=second')];
  const certFile = path('tls.crt', first.certPem);
  const keyFile = path('tls.key', first.keyPem);
  const caFile = path('ca.crt', testAuthority().certPem);
  let now = 0;
  const source = createCredentialSource({ server: server.url, certFile, keyFile, caFile }, () => now);
  const before = (await source.read()).tls;
  now += 60_000;
  assert.equal((await source.read()).tls, before, 'what is unchanged is the same, so connections are kept');

  const client = createKubeClient({ server: server.url, caFile, certFile, keyFile });
  server.handler = ok;
  server.seen.length = 0;
  await ask(client);
  await ask(client);
  writeFileSync(certFile, second.certPem);
  writeFileSync(keyFile, second.keyPem);
  server.handler = (seen, response) =>
    seen.client === 'second' ? ok(seen, response) : json(response, 401, status(401, 'Unauthorized'));
  await ask(client);
  assert.deepEqual(
    server.seen.map((seen) => seen.client),
    ['first', 'first', 'first', 'second'],
  );
  assert.equal(server.seen[0]?.socket, server.seen[2]?.socket);
  client.close();
});

test('impersonation goes along as headers', async () => {
  const impersonate = { user: 'jane', groups: ['a', 'b'], extra: { 'example.org/x': ['1', '2'] }, uid: 'u' };
  const client = createKubeClient({ ...server.config, impersonate });
  server.handler = ok;
  await ask(client);
  const headers = server.seen.at(-1)?.headers;
  assert.equal(headers?.['impersonate-user'], 'jane');
  assert.equal(headers?.['impersonate-uid'], 'u');
  assert.equal(headers?.['impersonate-group'], 'a, b');
  assert.equal(headers?.['impersonate-extra-example.org%2fx'], '1, 2');
  client.close();
});

/** A plugin that runs a shell script and counts its runs. */
function plugin(name: string, script: string, more: Partial<ExecPlugin> = {}): ExecPlugin & { runs(): number } {
  const file = path(name, `#!/bin/sh\necho run >> ${join(directory, name)}.runs\n${script}\n`);
  chmodSync(file, 0o755);
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: file,
    args: [],
    env: {},
    provideClusterInfo: false,
    interactiveMode: 'Never',
    ...more,
    runs: () => readFileSync(`${file}.runs`, 'utf8').trim().split('\n').length,
  };
}

const credential = (credentialStatus: object) =>
  JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: credentialStatus });

test('a credential plugin is asked once for requests that start together, and again when its credential ends', async () => {
  let now = Date.parse('2030-01-01T00:00:00Z');
  const exec = plugin(
    'exec-token',
    `echo '${credential({ token: 't', expirationTimestamp: '2030-01-01T01:00:00Z' })}'`,
  );
  const source = createCredentialSource({ server: 'https://x', exec }, () => now);
  const all = await Promise.all([source.read(), source.read(), source.read()]);
  assert.deepEqual(
    all.map(({ token }) => token),
    ['t', 't', 't'],
  );
  assert.equal(exec.runs(), 1);
  now += 3_500_000;
  await source.read();
  assert.equal(exec.runs(), 1);
  now += 95_000;
  await source.read();
  assert.equal(exec.runs(), 2);
  assert.equal(source.refused(), true);
  await source.read();
  assert.equal(exec.runs(), 3);
});

test('a plugin is told of the cluster, gets its arguments and environment, and may give a certificate', async () => {
  const pair = testAuthority().issue('/CN=from-plugin');
  const output = path('output.json', credential({ clientCertificateData: pair.certPem, clientKeyData: pair.keyPem }));
  const exec = plugin('exec-cert', `echo "$KUBERNETES_EXEC_INFO" > ${join(directory, 'info')}; cat "$FILE_PREFIX$1"`, {
    args: ['/output.json'],
    env: { FILE_PREFIX: directory },
    provideClusterInfo: true,
  });
  assert.ok(output.endsWith('/output.json'));
  const client = createKubeClient({ ...server.config, exec });
  server.handler = ok;
  await ask(client);
  assert.equal(server.seen.at(-1)?.client, 'from-plugin');
  const info = JSON.parse(readFileSync(join(directory, 'info'), 'utf8'));
  assert.deepEqual(info, {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      cluster: {
        server: server.url,
        'certificate-authority-data': Buffer.from(testAuthority().certPem).toString('base64'),
      },
    },
  });
  client.close();
});

test('a plugin that fails is named, its output is not told', async () => {
  const cases: [ExecPlugin, RegExp][] = [
    [plugin('fails', 'echo secret-token; exit 3'), /fails ended with code 3/],
    [plugin('talks', 'echo secret-token'), /talks gave no credential: its output is not JSON/],
    [plugin('empty', `echo '${credential({})}'`), /neither token nor certificate/],
    [plugin('half', `echo '${credential({ clientCertificateData: 'x' })}'`), /come together/],
    [plugin('null', 'echo null'), /not an ExecCredential/],
    [
      plugin('other', `echo '{"kind":"ExecCredential","apiVersion":"v9","status":{"token":"secret-token"}}'`),
      /apiVersion is not/,
    ],
    [plugin('long', 'head -c 2000000 /dev/zero'), /printed more than/],
    [plugin('asks', 'true', { interactiveMode: 'Always' }), /needs a terminal/],
    [
      { ...plugin('lost', 'true', { installHint: 'install it' }), command: '/nonexistent/login' },
      /\/nonexistent\/login \(ENOENT\): install it/,
    ],
  ];
  for (const [exec, message] of cases) {
    const client = createKubeClient({ ...server.config, exec });
    await assert.rejects(ask(client), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    client.close();
  }
});
