import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { removeTree } from '../node/remove-tree.ts';
import { imageAdd } from './add.ts';
import { imageLoad } from './load.ts';
import { familiarName, parseImageName } from './reference.ts';
import { resolveImage } from './resolve.ts';
import { readImages, removeImage } from './store.ts';

const home = mkdtempSync(join(tmpdir(), 'osm-image-'));
after(() => removeTree(home));
const fresh = (prefix: string) => mkdtempSync(join(home, prefix));
const newDirectory = () => fresh('images-');

type File = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

async function tar(files: readonly File[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of files) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** An archive as `docker save` writes it, its path. */
async function dockerArchive(
  layers: readonly (readonly File[])[],
  config: object = {},
  tags: readonly string[] = ['shop/web:1.0'],
  damage = false,
): Promise<string> {
  const blobs = await Promise.all(layers.map(tar));
  const image = JSON.stringify({
    config,
    rootfs: { type: 'layers', diff_ids: blobs.map((blob) => `sha256:${damage ? sha('x') : sha(blob)}`) },
  });
  const files = blobs.map((blob, index) => ({
    name: `layer${index}/layer.tar`,
    content: index % 2 ? gzipSync(blob) : blob,
  }));
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: tags, Layers: files.map((file) => file.name) }]);
  const path = join(fresh('docker-'), 'image.tar');
  writeFileSync(
    path,
    await tar([...files, { name: 'config.json', content: image }, { name: 'manifest.json', content: manifest }]),
  );
  return path;
}

test('names are read as container runtimes read them', () => {
  const full = (name: string) => Object.values(parseImageName(name));
  assert.deepEqual(full('nginx'), ['docker.io/library/nginx', undefined, undefined]);
  assert.deepEqual(full('docker.io/nginx:1'), ['docker.io/library/nginx', '1', undefined]);
  assert.deepEqual(full('openservicemesh/bookbuyer:v1.2'), ['docker.io/openservicemesh/bookbuyer', 'v1.2', undefined]);
  assert.deepEqual(full('localhost:5000/a/b'), ['localhost:5000/a/b', undefined, undefined]);
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.deepEqual(full(`r.example/a:t@${digest}`), ['r.example/a', 't', digest]);
  assert.equal(familiarName(parseImageName('docker.io/library/nginx:1')), 'nginx:1');
  for (const wrong of ['', 'UPPER', 'a b', 'a:', 'a//b', '/a', 'a@b', '../../etc', 'a:t/b@', `a:${'t'.repeat(200)}`]) {
    assert.throws(() => parseImageName(wrong), { name: 'InvalidImageName' }, wrong);
  }
});

test('an added name with a tag is that tag alone, without a tag every tag and digest', async () => {
  const directory = newDirectory();
  await imageAdd({
    directory,
    name: 'shop/web:1',
    command: ['/bin/one'],
    env: { A: 'b' },
    user: '1000',
    workingDir: '/srv',
  });
  assert.deepEqual(await resolveImage(directory, 'docker.io/shop/web:1'), {
    rootfs: '/',
    mounts: [],
    env: { A: 'b' },
    entrypoint: ['/bin/one'],
    cmd: [],
    user: '1000',
    workingDir: '/srv',
  });
  await assert.rejects(resolveImage(directory, 'shop/web:2'), {
    name: 'UnknownImage',
    message:
      'image "shop/web:2" is not known to this cluster: add it with: osm local image add shop/web:2 -- COMMAND …  (or osm local image load FILE.tar)',
  });
  await imageAdd({ directory, name: 'shop/web', command: ['/bin/any'], defaultArguments: ['-x'] });
  for (const name of ['shop/web:2', 'shop/web', `shop/web@sha256:${'a'.repeat(64)}`])
    assert.deepEqual((await resolveImage(directory, name)).entrypoint, ['/bin/any']);
  assert.deepEqual((await resolveImage(directory, 'shop/web:1')).entrypoint, ['/bin/one']);
  assert.deepEqual(
    (await readImages(directory)).map((image) => image.name),
    ['shop/web', 'shop/web:1'],
  );
  assert.equal(await removeImage(directory, 'shop/web'), true);
  assert.equal(await removeImage(directory, 'shop/web'), false);
  await assert.rejects(resolveImage(directory, 'shop/web'), { name: 'UnknownImage' });
});

test('what cannot be added is refused by name, and nothing is written', async () => {
  const directory = newDirectory();
  const add = (options: object) => imageAdd({ directory, name: 'x', command: ['/bin/true'], ...options });
  await assert.rejects(add({ command: [] }), /osm local image add x -- COMMAND/);
  await assert.rejects(add({ rootfs: '/nowhere' }), /\/nowhere/);
  await assert.rejects(add({ mounts: [{ source: '/nowhere', target: '/a' }] }), /\/nowhere/);
  await assert.rejects(add({ mounts: [{ source: '/etc', target: 'a' }] }), /mount point a/);
  await assert.rejects(add({ env: { 'A=B': '' } }), /A=B/);
  assert.deepEqual(await readImages(directory), []);
});

test('a docker archive: layers over each other, whiteouts, links, owners, configuration', async () => {
  const directory = newDirectory();
  const file = await dockerArchive(
    [
      [
        { name: './etc/', type: 'directory', mode: 0o755 },
        { name: 'etc/passwd', content: 'root' },
        { name: 'etc/gone', content: 'x' },
        { name: 'usr/bin/tool', content: '#!', mode: 0o4755, uid: 7, gid: 8 },
        { name: 'usr/bin/same', type: 'link', linkname: 'usr/bin/tool' },
        { name: 'bin', type: 'symlink', linkname: 'usr/bin' },
        { name: 'abs', type: 'symlink', linkname: '/etc' },
        { name: 'old/a', content: 'a' },
        { name: 'old/b/c', content: 'c' },
        { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
      ],
      [
        { name: 'etc/.wh.gone' },
        { name: 'old/new', content: 'new' },
        { name: 'old/.wh..wh..opq' },
        { name: 'bin/second', content: 'through the link' },
        { name: 'abs/inside', content: 'inside' },
        { name: 'etc/passwd', content: 'changed' },
      ],
    ],
    { Entrypoint: ['/bin/tool'], Cmd: ['serve'], Env: ['A=1', 'B=x=y'], User: 'web:web', WorkingDir: '/srv' },
    ['shop/web:1.0', 'registry.example/web:2'],
  );
  assert.equal((await imageLoad({ directory, file })).length, 2);
  const image = await resolveImage(directory, 'shop/web:1.0');
  assert.deepEqual(
    { ...image, rootfs: '' },
    {
      rootfs: '',
      mounts: [],
      env: { A: '1', B: 'x=y' },
      entrypoint: ['/bin/tool'],
      cmd: ['serve'],
      user: 'web:web',
      workingDir: '/srv',
    },
  );
  const at = (path: string) => join(image.rootfs, path);
  const text = (path: string) => readFileSync(at(path), 'utf8');
  assert.equal(text('etc/passwd'), 'changed');
  assert.equal(text('usr/bin/second'), 'through the link');
  assert.equal(text('etc/inside'), 'inside');
  assert.deepEqual(readdirSync(at('etc')).sort(), ['inside', 'passwd']);
  assert.deepEqual(readdirSync(at('old')), ['new']);
  assert.deepEqual(readdirSync(at('dev')), []);
  assert.equal(readlinkSync(at('bin')), 'usr/bin');
  assert.equal(lstatSync(at('usr/bin/tool')).mode & 0o7777, 0o4755);
  assert.equal(lstatSync(at('usr/bin/tool')).ino, lstatSync(at('usr/bin/same')).ino);
  const [record] = await readImages(directory);
  assert.equal((await resolveImage(directory, `registry.example/web@${record?.id}`)).rootfs, image.rootfs);
});

test('an OCI layout, compressed as a whole, layers with zstd, behind an index', async () => {
  const directory = newDirectory();
  const layer = await tar([{ name: `${'long/'.repeat(40)}file`, content: 'deep' }]);
  const blobs = new Map<string, Buffer>();
  const put = (content: Buffer | object) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    blobs.set(`blobs/sha256/${sha(bytes)}`, bytes);
    return { digest: `sha256:${sha(bytes)}`, size: bytes.length };
  };
  const config = put({ config: { Cmd: ['/x'] }, rootfs: { diff_ids: [`sha256:${sha(layer)}`] } });
  const manifest = put({ schemaVersion: 2, config, layers: [put(zstdCompressSync(layer))] });
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const index = put({
    manifests: [
      { ...put(Buffer.from('not read')), platform: { os: 'linux', architecture: 's390x' } },
      { ...manifest, platform: { os: 'linux', architecture } },
    ],
  });
  const file = join(home, 'oci.tar.gz');
  const top = {
    manifests: [
      {
        ...index,
        annotations: {
          'org.opencontainers.image.ref.name': 'latest',
          'io.containerd.image.name': 'registry.example/deep:7',
        },
      },
    ],
  };
  writeFileSync(
    file,
    gzipSync(
      await tar([
        ...[...blobs].map(([name, content]) => ({ name, content })),
        { name: 'index.json', content: JSON.stringify(top) },
      ]),
    ),
  );
  const [record] = await imageLoad({ directory, file });
  assert.equal(record?.name, 'registry.example/deep:7');
  assert.equal(readFileSync(join(record?.rootfs ?? '', `${'long/'.repeat(40)}file`), 'utf8'), 'deep');
  assert.deepEqual((await resolveImage(directory, 'registry.example/deep:7')).cmd, ['/x']);
});

test('nothing is written outside, and nothing stays of an image that fails', async () => {
  const directory = newDirectory();
  const outside = join(home, 'outside');
  const rejected = async (file: string, message: RegExp, limits?: { bytes: number; files: number }) => {
    await assert.rejects(imageLoad({ directory, file, ...(limits ? { limits } : {}) }), message);
    assert.deepEqual(readdirSync(join(directory, 'rootfs')), []);
    assert.deepEqual(await readImages(directory), []);
  };
  await rejected(await dockerArchive([[{ name: '../../escape', content: 'x' }]]), /leaves its root/);
  await rejected(
    await dockerArchive([[{ name: 'a', type: 'link', linkname: '../../../etc/passwd' }]]),
    /leaves its root/,
  );
  await rejected(
    await dockerArchive([
      [
        { name: 'l', type: 'symlink', linkname: 'l' },
        { name: 'l/x', content: 'x' },
      ],
    ]),
    /too many links/,
  );
  await rejected(await dockerArchive([[{ name: 'a', content: 'x' }]], {}, ['a:1'], true), /damaged/);
  await rejected(await dockerArchive([[{ name: 'a', content: 'x'.repeat(2000) }]]), /larger than/, {
    bytes: 1000,
    files: 10,
  });
  await rejected(await dockerArchive([[{ name: 'a' }, { name: 'b' }]]), /larger than/, { bytes: 1000, files: 1 });
  await rejected(await dockerArchive([[{ name: 'a', content: 'x' }]], {}, []), /--name/);
  await assert.rejects(imageLoad({ directory, file: '/nowhere.tar' }), /no such file/);
  const text = join(home, 'text.tar');
  writeFileSync(text, 'x'.repeat(2048));
  await rejected(text, /not a tar archive/);
  writeFileSync(text, (await tar([{ name: 'a', content: 'x'.repeat(3000) }])).subarray(0, 1024));
  await rejected(text, /cut short/);

  // A link out of the root is followed inside it.
  const file = await dockerArchive([
    [
      { name: 'out', type: 'symlink', linkname: outside },
      { name: 'up', type: 'symlink', linkname: '../../../../..' },
      { name: 'out/x', content: 'x' },
      { name: 'up/y', content: 'y' },
    ],
  ]);
  const [record] = await imageLoad({ directory, file });
  assert.equal(readFileSync(join(record?.rootfs ?? '', outside, 'x'), 'utf8'), 'x');
  assert.equal(readFileSync(join(record?.rootfs ?? '', 'y'), 'utf8'), 'y');
  rmSync(file);
});
