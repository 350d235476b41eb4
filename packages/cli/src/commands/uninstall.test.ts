import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { crds } from '@osm/api';
import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { processContext } from '../context.ts';
import { runCommandLine } from '../testing/command-line.ts';
import { createTestMachine, type TestMachine } from '../testing/machine.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh, namespace, release } from '../testing/objects.ts';

let machine: TestMachine;
beforeEach(() => {
  machine = createTestMachine();
});
afterEach(() => machine.end());

const OSM = mesh('osm', 'osm-system');
const BLUE = mesh('blue', 'osm-blue');
const HELM_CALL = ['uninstall', 'osm', '--namespace', 'osm-system', '--wait'];

type Stored = readonly [ResourceType, KubeObject];
const named = (type: ResourceType, metadata: KubeObject['metadata']): Stored => [
  type,
  { apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`, kind: type.kind, metadata },
];
const ofMesh = (name: string) => ({
  'app.kubernetes.io/name': 'openservicemesh.io',
  'app.kubernetes.io/instance': name,
});

test('who says yes is asked once, with all meshes shown', async () => {
  const cluster = createMemoryClient({ objects: [OSM] });
  const { output, notes, error } = await runCommandLine('uninstall mesh', { cluster, answer: true });
  assert.equal(error, undefined);
  assert.equal(
    notes,
    `MESH NAME   MESH NAMESPACE   VERSION
osm         osm-system       2.0.0
Uninstall mesh osm in namespace osm-system?
`,
  );
  assert.equal(output, 'mesh osm is uninstalled from namespace osm-system\n');
  assert.deepEqual(machine.helmCalls(), [HELM_CALL]);
  assert.deepEqual(cluster.writes, []);
  assert.ok(cluster.closed());
});

test('who says no changes nothing', async () => {
  const cluster = createMemoryClient({ objects: [OSM] });
  const { output } = await runCommandLine('uninstall mesh --delete-namespace', { cluster, answer: false });
  assert.equal(output, 'nothing was changed\n');
  assert.deepEqual(machine.helmCalls(), []);
  assert.deepEqual(cluster.writes, []);
});

test('with --force nobody is asked', async () => {
  const cluster = createMemoryClient({ objects: [OSM] });
  const { notes } = await runCommandLine('uninstall mesh --force', { cluster });
  assert.doesNotMatch(notes, /Uninstall/);
  assert.deepEqual(machine.helmCalls(), [HELM_CALL]);
});

test('where nobody can be asked, --force is named', async () => {
  const { isTTY } = process.stdin;
  process.stdin.isTTY = false;
  try {
    const { confirm } = processContext({ kind: 'self-hosted', distribution: '', namespace: 'osm-system' });
    await assert.rejects(confirm('Uninstall?'), { name: 'CliError', message: /--force/ });
  } finally {
    process.stdin.isTTY = isTTY;
  }
});

test('of several meshes one has to be named', async () => {
  const cluster = () => createMemoryClient({ objects: [OSM, BLUE] });
  const unclear = await runCommandLine('uninstall mesh --force', { cluster: cluster() });
  assert.match(unclear.error ?? '', /several meshes are installed \(blue, osm\): name one with --mesh-name/);
  assert.deepEqual(machine.helmCalls(), []);
  const wrong = await runCommandLine('uninstall mesh --force --mesh-name red', { cluster: cluster() });
  assert.match(wrong.error ?? '', /no mesh "red".*there is blue, osm/);
  await runCommandLine('uninstall mesh --force --mesh-name blue', { cluster: cluster() });
  assert.deepEqual(machine.helmCalls(), [['uninstall', 'blue', '--namespace', 'osm-blue', '--wait']]);
});

test('without a mesh there is nothing to uninstall', async () => {
  const { error, notes } = await runCommandLine('uninstall mesh --force');
  assert.match(error ?? '', /no mesh is installed in this cluster/);
  assert.equal(notes, '');
});

test('what an interrupted or failed installation has left is uninstalled, though it has no controller', async () => {
  for (const status of ['pending-install', 'failed']) {
    const remains = () => createMemoryClient({ objects: [release('blue', 'osm-system', status)] });
    const cluster = remains();
    assert.equal((await runCommandLine('uninstall mesh --force --mesh-name blue', { cluster })).error, undefined);
    assert.deepEqual(machine.helmCalls().at(-1), ['uninstall', 'blue', '--namespace', 'osm-system', '--wait']);
    const { error } = await runCommandLine('uninstall mesh --force', { cluster: remains() });
    assert.match(error ?? '', /no mesh is installed in this cluster/);
  }
});

test('cluster-wide resources go with the mesh, those of other meshes and of others stay', async () => {
  const [someCrd] = crds() as readonly { readonly metadata: { readonly name: string } }[];
  const cluster = createMemoryClient({
    objects: [
      OSM,
      named(TYPES.mutatingWebhooks, { name: 'osm-webhook-osm', labels: ofMesh('osm') }),
      named(TYPES.mutatingWebhooks, { name: 'osm-webhook-blue', labels: ofMesh('blue') }),
      named(TYPES.validatingWebhooks, { name: 'osm-validator-mesh-osm', labels: ofMesh('osm') }),
      named(TYPES.validatingWebhooks, { name: 'somebody-else' }),
      named(TYPES.secrets, { name: 'osm-ca-bundle', namespace: 'osm-system' }),
      named(TYPES.customResourceDefinitions, { name: someCrd!.metadata.name }),
      named(TYPES.customResourceDefinitions, { name: 'others.example.com' }),
      namespace('osm-system'),
    ],
  });
  const { output, error } = await runCommandLine('uninstall mesh --force -a --delete-namespace', { cluster });
  assert.equal(error, undefined);
  assert.deepEqual(cluster.writes, [
    'delete mutatingwebhookconfigurations osm-webhook-osm',
    'delete validatingwebhookconfigurations osm-validator-mesh-osm',
    'delete secrets osm-system/osm-ca-bundle',
    `delete customresourcedefinitions ${someCrd!.metadata.name}`,
    'delete namespaces osm-system',
  ]);
  assert.match(output, /^Secret osm-ca-bundle is deleted$/m);
  assert.match(output, /^Namespace osm-system is deleted$/m);
});

test('another secret of the authority can be named', async () => {
  const cluster = createMemoryClient({
    objects: [OSM, named(TYPES.secrets, { name: 'roots', namespace: 'osm-system' })],
  });
  await runCommandLine('uninstall mesh --force -a --ca-bundle-secret-name roots', { cluster });
  assert.deepEqual(cluster.writes, ['delete secrets osm-system/roots']);
});

test('when Helm fails nothing else is deleted', async () => {
  machine.breakHelm('Error: release: not found');
  const cluster = createMemoryClient({ objects: [OSM, namespace('osm-system')] });
  const { error, code } = await runCommandLine('uninstall mesh --force -a --delete-namespace', { cluster });
  assert.equal(error, 'helm uninstall failed: release: not found');
  assert.equal(code, 1);
  assert.deepEqual(cluster.writes, []);
  assert.ok(cluster.closed());
});

for (const words of ['delete --force', 'del -f', 'mesh -f -p 9091', 'mesh -f --local-port 9091']) {
  test(`command lines of Open Service Mesh 1.2 do: uninstall ${words}`, async () => {
    const cluster = createMemoryClient({ objects: [OSM] });
    assert.equal((await runCommandLine(`uninstall ${words}`, { cluster })).error, undefined);
    assert.deepEqual(machine.helmCalls(), [HELM_CALL]);
  });
}

test('a managed mesh is removed where it is managed', async () => {
  const cluster = createMemoryClient({ objects: [OSM] });
  const config = { kind: 'managed', distribution: 'AKS' } as const;
  const { error } = await runCommandLine('uninstall mesh --force', { cluster, config });
  assert.equal(error, 'this mesh is managed by AKS: remove it there');
  assert.deepEqual(machine.helmCalls(), []);
});
