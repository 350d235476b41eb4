import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

/** The unmodified Helm against the API server: a release with a hook, an upgrade, a rollback, the end. */
let bench: Bench;
let chart: string;

before(async () => {
  bench = await new Bench().start();
  chart = join(bench.directory, 'chart');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(chart, name), text);
  write('Chart.yaml', 'apiVersion: v2\nname: tiny\nversion: 0.1.0\n');
  write('values.yaml', 'greeting: hello\n');
  write(
    'templates/service.yaml',
    'apiVersion: v1\nkind: Service\nmetadata: {name: "{{ .Release.Name }}"}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n',
  );
  write(
    'templates/config.yaml',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-config"}\ndata: {greeting: "{{ .Values.greeting }}"}\n',
  );
  write(
    'templates/hook.yaml',
    `apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-hook"
  annotations: {"helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": hook-succeeded}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: c, image: i}]}
`,
  );
});

after(() => bench.remove());

const ok = async (args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await bench.helm(args);
  assert.equal(code, 0, `helm ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
};

const JOB = '/apis/batch/v1/namespaces/tiny/jobs/demo-hook';

test('install waits for its hook; upgrade, rollback and uninstall follow', async () => {
  const installing = bench.helm(['install', 'demo', chart, '-n', 'tiny', '--create-namespace', '--timeout', '60s']);
  await bench.until(async () => (await bench.ask(JOB)).status === 200);
  assert.equal((await bench.ask('/api/v1/namespaces/tiny/configmaps/demo-config')).status, 404);
  const time = '2026-01-01T00:00:00Z';
  await bench.ask(`${JOB}/status`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: {
      status: {
        succeeded: 1,
        startTime: time,
        completionTime: time,
        conditions: [
          { type: 'SuccessCriteriaMet', status: 'True' },
          { type: 'Complete', status: 'True' },
        ],
      },
    },
  });
  const installed = await installing;
  assert.equal(installed.code, 0, installed.stderr);
  assert.equal((await bench.ask(JOB)).status, 404, 'a hook that succeeded is deleted');
  const greeting = async () => (await bench.ask('/api/v1/namespaces/tiny/configmaps/demo-config')).json.data.greeting;
  assert.equal(await greeting(), 'hello');
  const { clusterIP } = (await bench.ask('/api/v1/namespaces/tiny/services/demo')).json.spec;

  await ok(['upgrade', 'demo', chart, '-n', 'tiny', '--set', 'greeting=bye']);
  assert.equal(await greeting(), 'bye');
  assert.equal((await bench.ask('/api/v1/namespaces/tiny/services/demo')).json.spec.clusterIP, clusterIP);
  await ok(['rollback', 'demo', '1', '-n', 'tiny']);
  assert.equal(await greeting(), 'hello');
  assert.match(await ok(['history', 'demo', '-n', 'tiny']), /3\s.*deployed/);
  assert.match(await ok(['list', '-A']), /demo\s+tiny\s+3/);

  await ok(['uninstall', 'demo', '-n', 'tiny']);
  assert.equal((await bench.ask('/api/v1/namespaces/tiny/configmaps/demo-config')).status, 404);
  assert.equal((await bench.ask('/api/v1/namespaces/tiny/secrets')).json.items.length, 0);
});

test('a chart that the API refuses leaves nothing but its record', async () => {
  writeFileSync(
    join(chart, 'templates/wrong.yaml'),
    'apiVersion: v1\nkind: Service\nmetadata: {name: wrong}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n',
  );
  const { code, stderr } = await bench.helm(['install', 'bad', chart, '-n', 'bad', '--create-namespace', '--no-hooks']);
  assert.notEqual(code, 0);
  assert.match(stderr, /not in the valid range/);
});
