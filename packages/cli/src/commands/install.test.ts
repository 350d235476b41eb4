import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { defaultHome, imagesDirectory, readImages } from '@osm/cluster';
import { CHART_PATH } from '../project-paths.ts';
import { runCommandLine } from '../testing/command-line.ts';
import { createTestMachine, SERVER, type TestMachine } from '../testing/machine.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh, release } from '../testing/objects.ts';

let machine: TestMachine;
beforeEach(() => {
  machine = createTestMachine();
});
afterEach(() => machine.end());

test('the chart is installed with Helm, which waits', async () => {
  const { output, notes, error } = await runCommandLine('install');
  assert.equal(error, undefined);
  assert.equal(output, 'mesh osm is installed in namespace osm-system\n');
  assert.equal(notes, '');
  assert.deepEqual(machine.helmCalls(), [
    [
      ...['install', 'osm', CHART_PATH, '--namespace', 'osm-system', '--create-namespace', '--wait', '--timeout', '5m'],
      ...['--set', 'osm.meshName=osm', '--set', 'osm.enforceSingleMesh=true'],
    ],
  ]);
});

test('every option reaches Helm, and values given come last', async () => {
  const { output } = await runCommandLine(
    'install --mesh-name blue --osm-namespace osm-blue --osm-chart-path ./chart --enforce-single-mesh=false --timeout 90s --atomic --set osm.trustDomain=blue.example --set osm.enableEgress=false',
  );
  assert.equal(output, 'mesh blue is installed in namespace osm-blue\n');
  assert.deepEqual(machine.helmCalls(), [
    [
      ...['install', 'blue', './chart', '--namespace', 'osm-blue', '--create-namespace', '--wait', '--timeout', '90s'],
      ...['--rollback-on-failure', '--set', 'osm.meshName=blue', '--set', 'osm.enforceSingleMesh=false'],
      ...['--set', 'osm.trustDomain=blue.example', '--set', 'osm.enableEgress=false'],
    ],
  ]);
});

test('the namespace of the configuration file is the default', async () => {
  const { output } = await runCommandLine('install', { config: { namespace: 'kube-system' } });
  assert.match(output, /in namespace kube-system/);
});

test('what Helm says is shown when asked for', async () => {
  assert.match((await runCommandLine('install --verbose')).notes, /helm says this/);
});

test('what Helm complains of is the error', async () => {
  machine.breakHelm('Error: values do not meet the specifications of the schema');
  const { error, output } = await runCommandLine('install');
  assert.equal(error, 'helm install failed: values do not meet the specifications of the schema');
  assert.equal(output, '');
});

test('an installation that did not come to its end is named, with what removes it', async () => {
  for (const [status, what] of [
    ['pending-install', 'was interrupted, or is still under way'],
    ['failed', 'has failed'],
  ] as const) {
    const cluster = createMemoryClient({ objects: [release('osm', 'osm-system', status)] });
    const { error } = await runCommandLine('install', { cluster });
    assert.equal(
      error,
      `an installation of mesh osm in namespace osm-system ${what}: remove what there is of it, then install again: osm uninstall mesh --mesh-name osm --osm-namespace osm-system`,
    );
  }
  assert.deepEqual(machine.helmCalls(), []);
  const upgraded = [release('osm', 'osm-system', 'superseded'), release('osm', 'osm-system', 'failed', 2)];
  const { error } = await runCommandLine('install', { cluster: createMemoryClient({ objects: upgraded }) });
  assert.equal(error, undefined);
});

const OSM = mesh('osm', 'osm-system');
const REFUSED: readonly (readonly [what: string, words: string, installed: typeof OSM, message: RegExp])[] = [
  [
    'a second mesh where one is enforced',
    '--mesh-name blue --osm-namespace osm-blue',
    OSM,
    /mesh osm is installed in namespace osm-system: .*--enforce-single-mesh=false/,
  ],
  [
    'a second mesh beside one that wants to be alone',
    '--mesh-name blue --osm-namespace osm-blue --enforce-single-mesh=false',
    mesh('osm', 'osm-system', { single: true }),
    /mesh osm in namespace osm-system was installed as the only one of the cluster: uninstall it/,
  ],
  [
    'a second control plane in a namespace',
    '--mesh-name blue --enforce-single-mesh=false',
    OSM,
    /mesh osm 2\.0\.0 is already installed in namespace osm-system: remove it with: osm uninstall mesh --mesh-name osm/,
  ],
  [
    'a name that is taken',
    '--osm-namespace other --enforce-single-mesh=false',
    OSM,
    /a mesh named osm exists in namespace osm-system: choose another --mesh-name/,
  ],
];
for (const [what, words, installed, message] of REFUSED) {
  test(`refused before anything is done: ${what}`, async () => {
    const cluster = createMemoryClient({ objects: [installed] });
    const { error, code } = await runCommandLine(`install ${words}`, { cluster });
    assert.match(error ?? '', message);
    assert.equal(code, 1);
    assert.deepEqual(machine.helmCalls(), []);
    assert.ok(cluster.closed());
  });
}

test('a second mesh is installed where both allow it', async () => {
  const cluster = createMemoryClient({ objects: [OSM] });
  const words = 'install --mesh-name blue --osm-namespace osm-blue --enforce-single-mesh=false';
  assert.equal((await runCommandLine(words, { cluster })).error, undefined);
  assert.equal(machine.helmCalls().length, 1);
});

for (const name of ['', 'Blue', 'blue_green', '-blue', 'blue.', 'a,osm.enableEgress=true', 'b'.repeat(54)]) {
  test(`the name ${JSON.stringify(name)} is refused, and what a name is is told`, async () => {
    const { error } = await runCommandLine(['install', '--mesh-name', name]);
    assert.ok(
      error?.includes(`--mesh-name ${JSON.stringify(name)} cannot be the name of a mesh: use up to 53`),
      String(error),
    );
    assert.deepEqual(machine.helmCalls(), []);
  });
}

for (const name of ['b', 'blue', 'blue-2', 'blue.example', 'b'.repeat(53)]) {
  test(`the name ${name} is taken`, async () => {
    assert.equal((await runCommandLine(['install', '--mesh-name', name])).error, undefined);
    assert.ok(machine.helmCalls()[0]?.includes(`osm.meshName=${name}`));
  });
}

test('images are named for an embedded cluster, and for no other', async () => {
  await runCommandLine('install');
  assert.deepEqual(await readImages(imagesDirectory(defaultHome())), []);
  machine.addRunningCluster(SERVER);
  await runCommandLine('install');
  const images = await readImages(imagesDirectory(defaultHome()));
  const controller = images.find(({ name }) => name === 'openservicemesh/osm-controller:2.0.0');
  assert.ok(controller?.entrypoint.some((word) => word.endsWith('packages/control-plane/src/main.ts')));
  const envoy = images.find(({ name }) => name.startsWith('envoyproxy/'));
  assert.deepEqual(
    envoy?.mounts.map(({ source }) => source),
    [`${machine.directory}/envoy`],
  );
});

test('a managed mesh is not installed from here', async () => {
  const { error, code } = await runCommandLine('install', { config: { kind: 'managed', distribution: 'AKS' } });
  assert.match(error ?? '', /unknown command 'install'/);
  assert.equal(code, 1);
});
