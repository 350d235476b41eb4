import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createKubeClient, loadKubeconfig, TYPES } from '@osm/kube';
import { GATEWAY_IP, NODE_NAME } from '../node/addresses.ts';
import { clusterDown, clusterStatus, listClusters } from './down.ts';
import { nodeExec } from './exec.ts';
import { clusterPaths } from './paths.ts';
import { identify, waitForEnd } from './process.ts';
import { readRecord } from './record.ts';
import { runAsOrdinaryUser } from './testing/as-user.ts';
import { type ClusterUpOptions, clusterUp, type Progress } from './up.ts';

const home = mkdtempSync(join(tmpdir(), 'osm-cluster-'));
const NAMES = ['one', 'two', 'dark'];
after(async () => {
  for (const name of NAMES) await clusterDown({ name, home });
  rmSync(home, { recursive: true });
});
const up = (name: string, options: Partial<ClusterUpOptions> = {}) => clusterUp({ name, home, ...options });

/** Command lines and mounts of the machine that name the directory. */
function traces(): readonly string[] {
  const processes = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid));
  const lines = processes.flatMap((pid) => {
    try {
      return [
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
        readFileSync(`/proc/${pid}/mountinfo`, 'utf8'),
      ];
    } catch {
      return [];
    }
  });
  return lines.filter((line) => line.includes(home));
}

const clientOf = (name: string) => createKubeClient(loadKubeconfig(clusterPaths({ name, home }).kubeconfig));

test('up brings a cluster with API, node, name service and account; again it says that it runs; down leaves nothing', {
  timeout: 120_000,
}, async () => {
  const progress: Progress[] = [];
  const info = await up('one', { onProgress: (step) => progress.push(step) });
  assert.equal(info.state, 'running');
  assert.equal(info.alreadyRunning, false);
  assert.deepEqual(
    new Set(progress.map((p) => p.step)),
    new Set(['checks', 'credentials', 'api', 'node', 'network', 'dns', 'services', 'kubelet', 'account']),
  );
  assert.equal(statSync(join(home, 'one')).mode & 0o777, 0o700);
  assert.equal(statSync(info.kubeconfig).mode & 0o777, 0o600);
  const client = clientOf('one');
  const node = await client.get(TYPES.nodes, NODE_NAME);
  assert.equal(node.metadata.name, NODE_NAME);
  await client.get(TYPES.serviceAccounts, 'default', { namespace: 'default' });
  const slice = await client.get(TYPES.endpointSlices, 'kubernetes', { namespace: 'default' });
  assert.deepEqual(slice.endpoints, [
    { addresses: [GATEWAY_IP], conditions: { ready: true, serving: true, terminating: false } },
  ]);
  client.close();

  const second = await up('one');
  assert.equal(second.alreadyRunning, true);
  assert.equal(second.pid, info.pid);
  assert.deepEqual(
    listClusters(home).map((c) => [c.name, c.state]),
    [['one', 'running']],
  );

  // The API server and the name service as pods see them.
  const seen = await collect('one', [
    '/bin/sh',
    '-c',
    'ip -br addr show osm0; id -u; getent hosts kubernetes.default.svc.cluster.local',
  ]);
  assert.match(seen, /198\.19\.0\.1\/32/);
  assert.match(seen, /^0$/m);
  assert.match(seen, /^198\.18\.0\.1 /m);

  assert.equal(await clusterDown({ name: 'one', home }), true);
  assert.deepEqual(traces(), []);
  assert.equal(existsSync(join(home, 'one')), false);
  assert.equal(clusterStatus({ name: 'one', home }).state, 'absent');
  assert.equal(await clusterDown({ name: 'one', home }), false);
});

test('two stand side by side; one whose daemon is killed takes its namespaces along, and starts again from its state', {
  timeout: 180_000,
}, async () => {
  const [one, two] = await Promise.all([up('one'), up('two')]);
  assert.notEqual(one.server, two.server);
  const client = clientOf('one');
  await client.create(TYPES.configMaps, { metadata: { name: 'kept' }, data: { a: 'b' } }, { namespace: 'default' });
  client.close();
  const record = readRecord(clusterPaths({ name: 'one', home }));
  assert.ok(record?.node);
  process.kill(record.daemon.pid, 'SIGKILL');
  assert.ok(await waitForEnd(record.node, 5000), 'the node process ends with its daemon');
  assert.equal(clusterStatus({ name: 'one', home }).state, 'crashed');
  assert.equal(clusterStatus({ name: 'two', home }).state, 'running');
  const again = await up('one');
  assert.equal(again.alreadyRunning, false);
  assert.equal(again.server, one.server);
  const renewed = clientOf('one');
  assert.deepEqual((await renewed.get(TYPES.configMaps, 'kept', { namespace: 'default' })).data, { a: 'b' });
  renewed.close();

  // The node process alone is started again by its daemon.
  const before = readRecord(clusterPaths({ name: 'one', home }));
  assert.ok(before?.node);
  process.kill(before.node.pid, 'SIGKILL');
  await waitForEnd(before.node, 5000);
  await until(() => {
    const now = readRecord(clusterPaths({ name: 'one', home }))?.node;
    return now !== undefined && now.pid !== before.node?.pid && identify(now.pid) !== undefined;
  });

  process.kill(again.pid ?? 0, 'SIGKILL');
  assert.equal(await clusterDown({ name: 'one', home }), true);
  await clusterDown({ name: 'two', home });
  assert.deepEqual(traces(), []);
});

test('a start that fails leaves nothing', { timeout: 60_000 }, async () => {
  await assert.rejects(up('Wrong_Name'), { name: 'InvalidClusterName' });
  const controller = new AbortController();
  await assert.rejects(
    up('dark', { signal: controller.signal, onProgress: ({ step }) => step === 'api' && controller.abort() }),
    /interrupted/,
  );
  assert.equal(existsSync(join(home, 'dark')), false);
  assert.deepEqual(traces(), []);
});

test('in the foreground it ends with the signal; a home with a long path serves as well', {
  timeout: 60_000,
}, async () => {
  const controller = new AbortController();
  const id = { name: 'dark', home: join(home, 'a-long-name'.repeat(12)) };
  const info = await clusterUp({
    ...id,
    foreground: true,
    signal: controller.signal,
    onReady: () => controller.abort(),
  });
  assert.equal(info.name, 'dark');
  assert.equal(clusterStatus(id).state, 'crashed');
  assert.notEqual(clusterPaths(id).sockets, clusterPaths(id).directory);
  await clusterDown(id);
  assert.equal(existsSync(clusterPaths(id).sockets), false);
  assert.deepEqual(traces(), []);
});

// Run by root, the same tests are run once more as an ordinary user.
if (userInfo().uid === 0) {
  test('an ordinary user has the same', { timeout: 240_000 }, () => runAsOrdinaryUser(import.meta.url));
}

async function collect(name: string, argv: readonly string[]): Promise<string> {
  const child = nodeExec({ name, home }, argv, ['ignore', 'pipe', 'inherit']);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  await new Promise((resolve) => child.once('close', resolve));
  return text;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
