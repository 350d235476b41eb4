import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Architecture } from '../../images/oci/image.ts';
import { type BuiltImage, buildRelease, type Release } from '../../images/release.ts';
import { coldStart } from '../../images/report.ts';
import { ROOT, succeeded, TestCluster, until } from './testing/cluster.ts';

/** The container images of a release: built, the same again, and enough to run the mesh. */
const HERE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const THERE: Architecture = HERE === 'amd64' ? 'arm64' : 'amd64';
const CHART_IMAGES = ['controller', 'injector', 'bootstrap', 'preinstall', 'crds', 'healthcheck'];
/** What a node is to fetch for the control plane at most, unpacked. */
const MAX_BYTES = 150e6;

const cluster = new TestCluster();
after(() => cluster.end());
let release: Release;

const build = (output: string, architectures: readonly Architecture[], only?: readonly string[]): Promise<Release> =>
  buildRelease({
    root: ROOT.replace(/\/$/, ''),
    cache: join(ROOT, 'gen/images'),
    output: join(cluster.directory, output),
    architectures,
    epoch: 0,
    ...(only ? { only } : {}),
  });

before(async () => {
  release = await build('images', [HERE]);
});

const built = (title: string): BuiltImage => {
  const found = release.images.find(({ recipe }) => recipe.title === title);
  assert.ok(found, `there is no image ${title}`);
  return found;
};
const textOf = ({ entries }: BuiltImage, path: string): string => {
  const entry = entries.find((each) => each.path === path);
  assert.equal(entry?.type, 'file', path);
  return entry?.type === 'file' ? entry.content.toString('utf8') : '';
};
const blob = <T>(digest: string): T =>
  JSON.parse(readFileSync(join(release.layout, 'blobs', digest.replace(':', '/')), 'utf8')) as T;

test('a second build gives the same bytes', async () => {
  const second = await build('second', [HERE]);
  const files = (directory: string): readonly string[] =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((each) => statSync(join(directory, each)).isFile())
      .sort();
  const [one, two] = [release, second].map(({ layout }) => join(layout, '..')) as [string, string];
  assert.ok(files(one).length > 5);
  assert.deepEqual(files(one), files(two));
  for (const each of files(one))
    assert.ok(readFileSync(join(one, each)).equals(readFileSync(join(two, each))), `${each} differs`);
});

test('an image is small, runs as an ordinary user, and owns nothing that it could change', () => {
  const controlPlane = built('osm-control-plane');
  const bytes = controlPlane.image.layers.reduce((sum, layer) => sum + layer.contentBytes, 0);
  assert.ok(bytes < MAX_BYTES, `${bytes} bytes`);
  for (const image of release.images) {
    const { recipe, entries } = image;
    assert.match(recipe.user, recipe.title === 'osm-init' ? /^0:0$/ : /^[1-9]\d*:[1-9]\d*$/);
    for (const { path, uid, gid, mode, type } of entries) {
      assert.deepEqual([uid, gid, mode & 0o6000], [0, 0, 0], `${recipe.title}: ${path}`);
      if (type !== 'symlink' && path !== 'tmp') assert.equal(mode & 0o022, 0, `${recipe.title}: ${path} is writable`);
    }
  }
});

test('an image tells what it is and what it holds', () => {
  for (const image of release.images) {
    const { title } = image.recipe;
    const config = blob<{ config: { Labels: Record<string, string>; User: string }; architecture: string }>(
      image.image.config.digest,
    );
    assert.equal(config.architecture, HERE);
    assert.equal(config.config.User, image.recipe.user);
    assert.equal(config.config.Labels['org.opencontainers.image.title'], title);
    assert.match(config.config.Labels['org.opencontainers.image.version'] ?? '', /^v?\d+\.\d+\.\d+/);
    const bill = JSON.parse(textOf(image, `usr/share/sbom/${title}.spdx.json`)) as {
      packages: readonly { name: string; versionInfo: string }[];
    };
    const names = bill.packages.map(({ name }) => name);
    assert.ok(names.includes('libc6'), title);
    const debian = image.entries.filter(({ path }) => /^var\/lib\/dpkg\/status\.d\/./.test(path));
    for (const { path } of debian) assert.ok(names.includes(path.split('/').at(-1) ?? ''), `${title}: ${path}`);
  }
  const bill = textOf(built('osm-control-plane'), 'usr/share/sbom/osm-control-plane.spdx.json');
  for (const name of ['node', '@grpc/grpc-js', 'zod', 'pino']) assert.ok(bill.includes(`"name": "${name}"`), name);
  const licenses = textOf(built('osm-control-plane'), 'opt/osm/THIRD-PARTY-LICENSES');
  assert.match(licenses, /== @grpc\/grpc-js 1\.\S+ \(Apache-2\.0\)/);
});

test('an image starts with nothing but its own files, and may not write', async () => {
  for (const image of release.images.filter(({ recipe }) => recipe.trial.length > 0))
    assert.ok(((await coldStart(image)) ?? 0) > 0, image.recipe.title);
});

test(`images for ${THERE} hold what they need`, async () => {
  const titles = ['osm-control-plane', 'osm-init', 'osm-envoy', 'bookstore-bookstore'];
  // A build fails when a program or library is for another machine, or lacks a library.
  const { images } = await build('foreign', [THERE], titles);
  assert.deepEqual(
    images.map(({ recipe, image }) => [recipe.title, image.architecture]),
    titles.map((title) => [title, THERE]),
  );
});

test('the mesh runs from loaded images alone', async (t) => {
  await cluster.up();
  const loaded = succeeded(
    await cluster.osm(['local', 'image', 'load', release.archives[HERE] ?? '']),
    'osm local image load',
  );
  for (const part of CHART_IMAGES) assert.match(loaded, new RegExp(`openservicemesh/osm-${part}:2`));
  const set = ['osm.sidecarImage=openservicemesh/envoy:v1.40.0', 'osm.enablePermissiveTrafficPolicy=false'];
  succeeded(await cluster.osm(['install', ...set.flatMap((each) => ['--set', each])]), 'osm install');
  await cluster.apply(
    ['bookbuyer', 'bookstore', 'bookwarehouse']
      .map((name) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`)
      .join('---\n'),
  );
  succeeded(await cluster.osm(['namespace', 'add', 'bookbuyer', 'bookstore', 'bookwarehouse']), 'osm namespace add');
  for (const name of ['mysql', 'bookwarehouse', 'bookstore', 'bookbuyer'])
    await cluster.ok('apply', '-f', join(ROOT, `demo/manifests/${name}.yaml`));
  for (const [deployment, namespace] of [
    ['bookstore-v1', 'bookstore'],
    ['bookwarehouse', 'bookwarehouse'],
    ['bookbuyer', 'bookbuyer'],
  ] as const)
    await cluster.ok('rollout', 'status', `deploy/${deployment}`, '-n', namespace, '--timeout=50s');
  const inBuyer = (script: string): Promise<string> =>
    cluster.ok('exec', '-n', 'bookbuyer', 'deploy/bookbuyer', '-c', 'bookbuyer', '--', 'node', '-e', script);
  const ask = (url: string): Promise<string> => inBuyer(`fetch("${url}").then((r) => r.text()).then(console.log)`);
  const counters = async (): Promise<{ books: number; requests: number }> =>
    JSON.parse(await ask('http://127.0.0.1:14001/counters')) as { books: number; requests: number };

  await t.test('containers see their image, and nothing of the machine', async () => {
    const controller = [
      'exec',
      '-n',
      'osm-system',
      'deploy/osm-controller',
      '-c',
      'osm-controller',
      '--',
      'node',
      '-e',
    ];
    const script =
      'console.log(require("fs").readdirSync("/opt/osm").filter((f) => /^(packages|control-plane.mjs)$/.test(f)).join(), process.getuid(), process.getgid())';
    assert.equal(await cluster.ok(...controller, script), 'control-plane.mjs 1000 3000\n');
    const write = 'require("fs").writeFileSync("/opt/osm/x", "")';
    assert.match(await cluster.fails(...controller, write), /EROFS|EACCES/);
  });

  await t.test('what no policy allows is refused', async () => {
    await until('bookbuyer has asked', async () => (await counters()).requests > 3);
    assert.equal((await counters()).books, 0);
  });

  await t.test('what a policy allows goes through, over mutual TLS', async () => {
    await cluster.ok('apply', '-f', join(ROOT, 'demo/policies/bookstore.yaml'));
    await until('bookbuyer has bought', async () => (await counters()).books > 3);
    const stats = await ask('http://127.0.0.1:15000/stats?filter=bookstore.*ssl.handshake');
    assert.match(stats, /ssl\.handshake: [1-9]/);
  });

  await t.test('the whole demo works, down to its database', async () => {
    await cluster.ok('apply', '-f', join(ROOT, 'demo/policies/bookwarehouse.yaml'));
    const script = 'fetch("http://127.0.0.1:14001/counters").then((r) => r.text()).then(console.log)';
    const inStore = ['exec', '-n', 'bookstore', 'deploy/bookstore-v1', '-c', 'bookstore', '--', 'node', '-e', script];
    await until(
      'a book has been ordered',
      async () => (JSON.parse(await cluster.ok(...inStore)) as { restocked: number }).restocked > 0,
    );
  });
});
