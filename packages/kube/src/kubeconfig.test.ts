import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { stringify } from 'yaml';
import { defaultConfig, inClusterConfig, KubeconfigError, loadKubeconfig } from './kubeconfig.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-kubeconfig-'));
after(() => rmSync(directory, { recursive: true }));
const environment = { ...process.env };
afterEach(() => {
  for (const name of ['KUBECONFIG', 'HOME', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT']) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
let files = 0;
const write = (value: unknown): string => {
  const path = join(directory, `config-${files++}`);
  writeFileSync(path, typeof value === 'string' ? value : stringify(value));
  return path;
};
/** A kubeconfig with one context named `one`. */
const config = (cluster: object = {}, user: object = {}, context: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
  users: [{ name: 'u', user }],
  contexts: [{ name: 'one', context: { cluster: 'c', user: 'u', ...context } }],
  'current-context': 'one',
});

test('inline data, files relative to the kubeconfig, tokens and names', () => {
  const data = { 'client-certificate-data': base64(PEM), 'client-key-data': base64(PEM) };
  assert.deepEqual(
    loadKubeconfig(write(config({ 'certificate-authority-data': base64(PEM) }, data, { namespace: 'shop' }))),
    {
      server: 'https://127.0.0.1:6443',
      caPem: PEM,
      certPem: PEM,
      keyPem: PEM,
      context: 'one',
      namespace: 'shop',
    },
  );
  const user = { 'client-certificate': 'tls.crt', 'client-key': '/abs/tls.key', tokenFile: 'sub/token', token: 't' };
  assert.deepEqual(
    loadKubeconfig(write(config({ 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes' }, user))),
    {
      server: 'https://127.0.0.1:6443',
      caFile: join(directory, 'ca.crt'),
      serverName: 'kubernetes',
      certFile: join(directory, 'tls.crt'),
      keyFile: '/abs/tls.key',
      tokenFile: join(directory, 'sub/token'),
      token: 't',
      context: 'one',
    },
  );
});

test('exec plugins and impersonation', () => {
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: './login',
    args: ['--region', 5],
    env: [{ name: 'A', value: 'b' }],
    installHint: 'install login',
    interactiveMode: 'IfAvailable',
  };
  const user = { exec, as: 'jane', 'as-groups': ['g'], 'as-user-extra': { k: ['v'] }, 'as-uid': '7' };
  const read = loadKubeconfig(write(config({}, user)));
  assert.deepEqual(read.exec, {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: join(directory, 'login'),
    args: ['--region', '5'],
    env: { A: 'b' },
    installHint: 'install login',
    provideClusterInfo: false,
    interactiveMode: 'IfAvailable',
  });
  assert.deepEqual(read.impersonate, { user: 'jane', groups: ['g'], extra: { k: ['v'] }, uid: '7' });
  const plain = loadKubeconfig(write(config({}, { exec: { ...exec, command: 'login', env: null, args: null } })));
  assert.equal(plain.exec?.command, 'login', 'a bare name is found in PATH');
});

test('what cannot be used is refused with what to change', () => {
  const cases: [string, RegExp][] = [
    [join(directory, 'absent'), /cannot read the kubeconfig .*absent: ENOENT/],
    [write('a: [secret-token'), /cannot read the kubeconfig/],
    [write(''), /no current-context; contexts: none/],
    [write({ ...config(), 'current-context': 'two' }), /no context "two"; contexts: one/],
    [write({ ...config(), clusters: null }), /cluster "c", which .* lacks/],
    [write({ ...config(), users: [] }), /user "u", which .* lacks/],
    [write(config({ server: null })), /has no server/],
    [write(config({ server: 'http://127.0.0.1:8001' })), /must be an https:\/\//],
    [write(config({ 'insecure-skip-tls-verify': true })), /insecure-skip-tls-verify.*certificate-authority-data/],
    [write(config({ 'proxy-url': 'http://proxy' })), /proxy-url/],
    [
      write(config({ 'certificate-authority-data': 'bm9uc2Vuc2U=' })),
      /certificate-authority-data is not base64 of a PEM/,
    ],
    [write(config({}, { 'auth-provider': { name: 'gcp' } })), /auth-provider gcp.*exec/],
    [write(config({}, { username: 'admin', password: 'secret-token' })), /password/],
    [
      write(config({}, { exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'x' } })),
      /exec.apiVersion/,
    ],
    [write(config({}, { exec: { apiVersion: 'client.authentication.k8s.io/v1' } })), /exec.command is missing/],
  ];
  for (const [path, message] of cases) {
    assert.throws(
      () => loadKubeconfig(path),
      (error) => {
        assert.ok(error instanceof KubeconfigError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});

test('a context is chosen by name; a context without a user is anonymous', () => {
  const value = config();
  const two = { name: 'two', context: { cluster: 'c', namespace: 'other' } };
  const path = write({ ...value, contexts: [...value.contexts, two] });
  assert.equal(loadKubeconfig(path, 'two').namespace, 'other');
  assert.throws(() => loadKubeconfig(path, 'three'), /no context "three"; contexts: one, two/);
});

test('KUBECONFIG may name several files: the first entry of a name counts, absent files are passed over', () => {
  const first = write({
    contexts: [{ name: 'one', context: { cluster: 'c', user: 'u', namespace: 'first' } }],
    users: [],
  });
  const second = write({ ...config({ server: 'https://second' }, { token: 't' }), 'current-context': 'one' });
  process.env.KUBECONFIG = [join(directory, 'absent'), first, second].join(':');
  assert.deepEqual(defaultConfig(), { server: 'https://second', token: 't', context: 'one', namespace: 'first' });
  process.env.KUBECONFIG = join(directory, 'absent');
  delete process.env.KUBERNETES_SERVICE_HOST;
  assert.throws(() => defaultConfig(), /KUBECONFIG names .*absent, which does not exist/);
});

test('without KUBECONFIG the home directory serves, then the pod', () => {
  delete process.env.KUBECONFIG;
  process.env.HOME = directory;
  delete process.env.KUBERNETES_SERVICE_HOST;
  assert.throws(() => defaultConfig(), /no Kubernetes cluster is configured: no .*\.kube\/config/);
  process.env.KUBERNETES_SERVICE_HOST = '10.0.0.1';
  process.env.KUBERNETES_SERVICE_PORT = '443';
  assert.throws(() => defaultConfig(), /automountServiceAccountToken/);
  mkdirSync(join(directory, '.kube'));
  writeFileSync(join(directory, '.kube', 'config'), stringify(config()));
  assert.equal(defaultConfig().server, 'https://127.0.0.1:6443');
});

test('in a pod address, token and authority come from the service account', () => {
  const account = join(directory, 'account');
  mkdirSync(account);
  for (const [name, text] of [
    ['token', 't'],
    ['ca.crt', PEM],
    ['namespace', 'shop\n'],
  ] as const) {
    writeFileSync(join(account, name), text);
  }
  process.env.KUBERNETES_SERVICE_HOST = 'fd00::1';
  process.env.KUBERNETES_SERVICE_PORT = '443';
  assert.deepEqual(inClusterConfig(account), {
    server: 'https://[fd00::1]:443',
    caFile: join(account, 'ca.crt'),
    tokenFile: join(account, 'token'),
    namespace: 'shop',
  });
  delete process.env.KUBERNETES_SERVICE_HOST;
  assert.throws(() => inClusterConfig(account), /does not run in a pod/);
});
