import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { extract } from 'tar-stream';
import { blobPath, type Descriptor, digestOf } from './blobs.ts';
import { type Architecture, type RunSettings, type WrittenImage, writeImage, writeIndex } from './image.ts';
import { writeLayer } from './layer.ts';
import { writeArchive, writeLayout } from './layout.ts';
import { file, fileTree } from './tree.ts';

const layout = mkdtempSync(join(tmpdir(), 'osm-layout-'));
after(() => rmSync(layout, { recursive: true }));

const SETTINGS: RunSettings = {
  user: '1000:3000',
  entrypoint: ['/tool'],
  arguments: ['--help'],
  environment: { PATH: '/bin' },
  workingDirectory: '/',
  labels: { 'org.opencontainers.image.title': 'tool' },
};
const NAMES = ['shop/tool:1', 'shop/tool:latest'];

async function image(architecture: Architecture, base = 'base'): Promise<WrittenImage> {
  const layers = [
    await writeLayer(layout, 'base', fileTree([file('base', base)]), 0),
    await writeLayer(layout, 'tool', fileTree([file('tool', architecture, 0o755)]), 0),
  ];
  return writeImage(layout, architecture, layers, SETTINGS, 0);
}

const blob = (digest: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(layout, blobPath(digest)), 'utf8')) as Record<string, unknown>;

async function read(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const archive = extract();
  archive.end(readFileSync(path));
  for await (const entry of archive) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    assert.ok(!found.has(entry.header.name), `${entry.header.name} is there twice`);
    found.set(entry.header.name, Buffer.concat(chunks));
  }
  return found;
}

test('an image is configured by its settings', async () => {
  const { config, manifest, layers } = await image('arm64');
  assert.deepEqual(blob(config.digest), {
    created: '1970-01-01T00:00:00Z',
    architecture: 'arm64',
    os: 'linux',
    variant: 'v8',
    config: {
      User: '1000:3000',
      Env: ['PATH=/bin'],
      Entrypoint: ['/tool'],
      Cmd: ['--help'],
      WorkingDir: '/',
      Labels: SETTINGS.labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: ['base', 'tool'].map((created_by) => ({ created: '1970-01-01T00:00:00Z', created_by })),
  });
  assert.deepEqual(
    blob(manifest.digest).layers,
    layers.map(({ descriptor }) => descriptor),
  );
});

test('one name stands for every architecture', async () => {
  const images = [await image('amd64'), await image('arm64')];
  await writeLayout(layout, [{ names: NAMES, descriptor: await writeIndex(layout, images) }]);
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: readonly Descriptor[];
  };
  assert.deepEqual(
    manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']),
    NAMES,
  );
  const index = blob(manifests[0]?.digest ?? '') as { manifests?: readonly Descriptor[] };
  assert.deepEqual(
    index.manifests?.map(({ digest, platform }) => [digest, platform?.architecture]),
    images.map(({ manifest, architecture }) => [manifest.digest, architecture]),
  );
});

test('an archive is what docker save writes, and an image layout; what images share is there once', async () => {
  const path = join(layout, 'archive.tar');
  const [one, two] = [await image('amd64'), await image('amd64', 'other')];
  await writeArchive(
    layout,
    path,
    [
      { names: NAMES, image: one },
      { names: ['shop/two:1'], image: two },
    ],
    0,
  );
  const files = await read(path);
  const docker = JSON.parse(String(files.get('manifest.json'))) as readonly {
    Config: string;
    RepoTags: readonly string[];
    Layers: readonly string[];
  }[];
  assert.deepEqual(
    docker.map(({ RepoTags }) => RepoTags),
    [NAMES, ['shop/two:1']],
  );
  for (const { Config, Layers } of docker) for (const name of [Config, ...Layers]) assert.ok(files.has(name), name);
  assert.equal(docker[0]?.Layers[1], docker[1]?.Layers[1]);
  for (const [name, content] of files) if (name.startsWith('blobs/')) assert.equal(blobPath(digestOf(content)), name);
  assert.deepEqual(JSON.parse(String(files.get('oci-layout'))), { imageLayoutVersion: '1.0.0' });
  const { manifests } = JSON.parse(String(files.get('index.json'))) as { manifests: readonly Descriptor[] };
  assert.deepEqual(
    manifests.map(({ digest }) => digest),
    [one.manifest.digest, one.manifest.digest, two.manifest.digest],
  );
  assert.ok(manifests.every(({ digest }) => files.has(blobPath(digest))));
});
