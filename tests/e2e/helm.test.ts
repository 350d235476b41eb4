import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, succeeded, TestCluster, until } from './testing/cluster.ts';
import { RunningCommand } from './testing/command.ts';

/** Helm with a chart of its own, and the mesh's chart through `osm install`. */
const cluster = new TestCluster();
const chart = join(cluster.directory, 'chart');

const CHART: Readonly<Record<string, string>> = {
  'Chart.yaml': 'apiVersion: v2\nname: greeter\nversion: 1.0.0\n',
  'values.yaml': 'greeting: hello\nreplicas: 1\nbroken: false\n',
  'templates/greeter.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {greeting: {{ .Values.greeting | quote }}, revision: "{{ .Release.Revision }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {greeting: {{ .Values.greeting | quote }}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: {{ ternary "nowhere" "sh" .Values.broken }}
        args: ['echo $GREETING; trap "exit 0" TERM; while :; do sleep 0.1; done']
        env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: {{ .Release.Name }}, key: greeting}}}]
`,
  'templates/hooks.yaml': `
{{- range list "pre-install" "post-delete" }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $.Release.Name }}-{{ . }}
  annotations: {helm.sh/hook: {{ . }}, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: sh, args: ["echo {{ . }} of {{ $.Values.greeting }}"]}]
{{- end }}
`,
};

before(async () => {
  for (const [file, text] of Object.entries(CHART)) {
    mkdirSync(join(chart, file, '..'), { recursive: true });
    writeFileSync(join(chart, file), text);
  }
  await cluster.up();
});
after(() => cluster.end());

const helm = (...args: readonly string[]) => cluster.command('helm', args);
const helmOk = async (...args: readonly string[]) => succeeded(await helm(...args), `helm ${args.join(' ')}`);
const mesh = (...args: readonly string[]) => cluster.osm(args, { env: cluster.env });
const WHOLE = ['uninstall', 'mesh', '--force', '-a', '--delete-namespace'];

/** Names of everything of a mesh that is not in a namespace, and of its namespace. */
async function remains(): Promise<readonly string[]> {
  const kinds = 'crd,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,ns';
  const names = await cluster.ok('get', kinds, '-o', 'name');
  return names.split('\n').filter((name) => /osm|openservicemesh|smi-spec/.test(name));
}

test('install with hooks and values waits; upgrade, rollback, uninstall', async () => {
  const installed = await helmOk('install', 'greeter', chart, '--wait', '--timeout', '60s', '--set', 'greeting=hi');
  assert.match(installed, /STATUS: deployed/);
  assert.equal(await cluster.jsonpath('{.status.readyReplicas}', 'deploy', 'greeter'), '1');
  assert.equal(await cluster.ok('logs', 'job/greeter-pre-install'), 'pre-install of hi\n');
  assert.equal(await cluster.ok('logs', 'deploy/greeter'), 'hi\n');
  await helmOk('upgrade', 'greeter', chart, '--wait', '--timeout', '60s', '--set', 'greeting=hey,replicas=2');
  assert.equal(await cluster.jsonpath('{.data.greeting} {.data.revision}', 'cm', 'greeter'), 'hey 2');
  assert.equal(await cluster.jsonpath('{.status.readyReplicas}', 'deploy', 'greeter'), '2');
  await helmOk('rollback', 'greeter', '1', '--wait', '--timeout', '60s');
  assert.equal(await cluster.jsonpath('{.data.greeting}', 'cm', 'greeter'), 'hi');
  assert.match(await helmOk('history', 'greeter'), /superseded[\s\S]*superseded[\s\S]*deployed.*Rollback to 1/);
  assert.match(await helmOk('get', 'values', 'greeter'), /greeting: hi/);
  await helmOk('uninstall', 'greeter', '--wait', '--timeout', '60s');
  assert.equal(await cluster.ok('logs', 'job/greeter-post-delete'), 'post-delete of hi\n');
  assert.equal(await cluster.ok('get', 'deploy,cm,secrets', '-o', 'name'), 'configmap/kube-root-ca.crt\n');
});

test('an installation that fails is rolled back when asked for; --wait ends with the time limit', async () => {
  const failed = await helm(
    'install',
    'bad',
    chart,
    '--rollback-on-failure',
    '--timeout',
    '2s',
    '--set',
    'broken=true',
  );
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /INSTALLATION FAILED/);
  assert.equal(await cluster.ok('get', 'deploy,secrets', '-o', 'name'), '');
});

test('osm install with a wrong value names its path and creates nothing', async () => {
  for (const [value, path] of [
    [
      'osm.enablePermissiveTrafficPolicy=perhaps',
      /'?\/?osm[./]enablePermissiveTrafficPolicy'?: got string, want boolean/,
    ],
    ['osm.noSuchValue=1', /at '\/osm': additional properties 'noSuchValue' not allowed/],
  ] as const) {
    const { code, stderr } = await mesh('install', '--set', value);
    assert.equal(code, 1);
    assert.match(stderr, path);
  }
  assert.deepEqual(await remains(), []);
});

test('osm install; a second one is refused; uninstall leaves nothing', async () => {
  succeeded(await mesh('install'), 'osm install');
  const again = await mesh('install');
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    /^osm: mesh osm 2\.0\.0 is already installed in namespace osm-system: remove it with: osm uni/,
  );
  const other = await mesh('install', '--mesh-name', 'blue', '--osm-namespace', 'osm-blue');
  assert.equal(other.code, 1);
  assert.match(other.stderr, /--enforce-single-mesh=false/);
  assert.match(await cluster.fails('get', 'ns', 'osm-blue'), /not found/);
  succeeded(await mesh(...WHOLE), 'osm uninstall mesh');
  assert.deepEqual(await remains(), []);
});

test('an installation whose Helm was killed, early or late, says how to go on; then install works again at once', async () => {
  for (const begun of ['secret/sh.helm.release.v1.osm.v1', 'deploy/osm-controller']) {
    const install = new RunningCommand(
      'helm',
      ['install', 'osm', join(ROOT, 'charts/osm'), '-n', 'osm-system', '--create-namespace', '--wait'],
      {
        env: cluster.env,
      },
    );
    await until(begun, async () => (await cluster.kubectl(['get', '-n', 'osm-system', begun])).code === 0);
    await install.end('SIGKILL');
    const again = await mesh('install');
    assert.equal(again.code, 1);
    const [, remedy] = /was interrupted.*install again: osm (.*)\n/.exec(again.stderr) ?? [];
    assert.ok(remedy, again.stderr);
    succeeded(await mesh(...remedy.split(' '), '--force'), `osm ${remedy}`);
  }
  succeeded(await mesh('install'), 'osm install');
  assert.equal(await cluster.jsonpath('{.status.readyReplicas}', 'deploy', 'osm-controller', '-n', 'osm-system'), '1');
});
