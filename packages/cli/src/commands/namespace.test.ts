import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, TYPES } from '@osm/kube';
import { runCommandLine } from '../testing/command-line.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh, namespace } from '../testing/objects.ts';

const OSM = mesh('osm', 'osm-system');
const BLUE = mesh('blue', 'osm-blue');

test('namespaces are added with label and annotation, one line each', async () => {
  const cluster = createMemoryClient({ objects: [OSM, namespace('shop'), namespace('bank')] });
  const { output, error } = await runCommandLine('namespace add shop bank', { cluster });
  assert.equal(error, undefined);
  assert.equal(
    output,
    'namespace shop is part of mesh osm, sidecar injection enabled\nnamespace bank is part of mesh osm, sidecar injection enabled\n',
  );
  for (const name of ['shop', 'bank']) {
    const { metadata } = cluster.read(TYPES.namespaces, name)!;
    assert.equal(metadata.labels?.['openservicemesh.io/monitored-by'], 'osm');
    assert.equal(metadata.annotations?.['openservicemesh.io/sidecar-injection'], 'enabled');
  }
  assert.ok(cluster.closed());
});

test('injection can be left off, and the command has a short name', async () => {
  const cluster = createMemoryClient({ objects: [OSM, namespace('ingress')] });
  const { output } = await runCommandLine('ns add ingress --disable-sidecar-injection', { cluster });
  assert.match(output, /sidecar injection disabled/);
  assert.equal(
    cluster.read(TYPES.namespaces, 'ingress')?.metadata.annotations?.['openservicemesh.io/sidecar-injection'],
    'disabled',
  );
});

test('adding a namespace again changes how pods are injected', async () => {
  const cluster = createMemoryClient({ objects: [OSM, namespace('shop', { mesh: 'osm', injection: 'disabled' })] });
  assert.equal((await runCommandLine('namespace add shop', { cluster })).error, undefined);
  assert.equal(
    cluster.read(TYPES.namespaces, 'shop')?.metadata.annotations?.['openservicemesh.io/sidecar-injection'],
    'enabled',
  );
});

test('a namespace that every mesh ignores is added with a warning that says how to undo it', async () => {
  const cluster = createMemoryClient({ objects: [OSM, namespace('shop', { ignored: true })] });
  const { notes } = await runCommandLine('namespace add shop', { cluster });
  assert.match(notes, /kubectl label namespace shop openservicemesh\.io\/ignore-/);
});

const REFUSED: readonly (readonly [what: string, words: string, message: RegExp])[] = [
  ['does not exist', 'add shop nowhere', /namespace nowhere does not exist: kubectl create namespace nowhere/],
  [
    'belongs to another mesh',
    'add shop bank',
    /namespace bank belongs to mesh blue.*osm namespace remove bank --mesh-name blue/,
  ],
  ['holds a control plane', 'add shop osm-system', /namespace osm-system holds a control plane/],
  [
    'is for a mesh that is not there',
    'add shop --mesh-name red',
    /no mesh "red".*there is blue, osm: choose with --mesh-name/,
  ],
];
for (const [what, words, message] of REFUSED) {
  test(`nothing is changed when one namespace ${what}`, async () => {
    const cluster = createMemoryClient({
      objects: [OSM, BLUE, namespace('shop'), namespace('bank', { mesh: 'blue' }), namespace('osm-system')],
    });
    const { error, code } = await runCommandLine(`namespace ${words}`, { cluster });
    assert.match(error ?? '', message);
    assert.equal(code, 1);
    assert.deepEqual(cluster.writes, []);
    assert.ok(cluster.closed());
  });
}

test('without any mesh, adding says how to get one', async () => {
  const cluster = createMemoryClient({ objects: [namespace('shop')] });
  assert.match((await runCommandLine('namespace add shop', { cluster })).error ?? '', /no mesh "osm".*osm install/);
});

test('removing takes label and annotation away and tells of the sidecars that stay', async () => {
  const cluster = createMemoryClient({ objects: [OSM, namespace('shop', { mesh: 'osm', injection: 'enabled' })] });
  const { output } = await runCommandLine('namespace remove shop', { cluster });
  assert.match(output, /namespace shop is no longer part of mesh osm; its pods keep their sidecars/);
  const { metadata } = cluster.read(TYPES.namespaces, 'shop')!;
  assert.deepEqual(metadata.labels, {});
  assert.deepEqual(metadata.annotations, {});
});

test('removing refuses what is in no mesh, or in another one, and says what helps', async () => {
  const cluster = createMemoryClient({ objects: [OSM, namespace('shop'), namespace('bank', { mesh: 'blue' })] });
  assert.match(
    (await runCommandLine('namespace remove shop', { cluster })).error ?? '',
    /shop is part of no mesh: osm namespace list/,
  );
  const other = createMemoryClient({ objects: [OSM, namespace('bank', { mesh: 'blue' })] });
  assert.match(
    (await runCommandLine('namespace remove bank', { cluster: other })).error ?? '',
    /bank belongs to mesh blue, not osm: give --mesh-name blue/,
  );
  assert.deepEqual([...cluster.writes, ...other.writes], []);
});

test('ignoring labels every namespace, or none when one is missing', async () => {
  const cluster = createMemoryClient({ objects: [namespace('kube-system'), namespace('tools')] });
  const { output } = await runCommandLine('namespace ignore kube-system tools', { cluster });
  assert.equal(output, 'namespace kube-system is ignored by every mesh\nnamespace tools is ignored by every mesh\n');
  assert.equal(cluster.read(TYPES.namespaces, 'tools')?.metadata.labels?.['openservicemesh.io/ignore'], 'true');

  const missing = createMemoryClient({ objects: [namespace('tools')] });
  assert.match(
    (await runCommandLine('namespace ignore tools nowhere', { cluster: missing })).error ?? '',
    /nowhere does not exist/,
  );
  assert.deepEqual(missing.writes, []);
});

test('the list shows mesh and injection of each namespace', async () => {
  const objects = [
    namespace('shop', { mesh: 'osm', injection: 'enabled' }),
    namespace('ingress', { mesh: 'osm', injection: 'disabled' }),
    namespace('bare', { mesh: 'blue' }),
    namespace('odd', { mesh: 'blue', injection: 'enabled', ignored: true }),
    namespace('outside'),
  ];
  const all = await runCommandLine('namespace list', { cluster: createMemoryClient({ objects }) });
  assert.equal(
    all.output,
    `NAMESPACE   MESH   SIDECAR-INJECTION
shop        osm    enabled
ingress     osm    disabled
bare        blue   -
odd         blue   disabled (ignored)
`,
  );
  const one = await runCommandLine('namespace list --mesh-name osm', { cluster: createMemoryClient({ objects }) });
  assert.doesNotMatch(one.output, /blue/);
});

test('an empty list says so', async () => {
  assert.equal((await runCommandLine('namespace list')).output, 'no namespace is part of a mesh\n');
  assert.equal((await runCommandLine('namespace list --mesh-name osm')).output, 'no namespace is part of mesh osm\n');
});

test('what the API server says reaches the user, and the client is closed', async () => {
  const cluster = createMemoryClient({ objects: [OSM] });
  cluster.breakDown(new ApiError(403, 'Forbidden', 'namespaces is forbidden: User "eve" cannot list resource'));
  const { error } = await runCommandLine('namespace list', { cluster });
  assert.match(error ?? '', /User "eve" cannot list/);
  assert.ok(cluster.closed());
});
