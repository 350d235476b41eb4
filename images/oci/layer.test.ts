import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { blobPath, digestOf } from './blobs.ts';
import { tarOf, writeLayer } from './layer.ts';
import { directory, file, fileTree, symlink } from './tree.ts';

const layout = mkdtempSync(join(tmpdir(), 'osm-layer-'));
after(() => rmSync(layout, { recursive: true }));

const LONG = `${'long/'.repeat(50)}name`;
const TREE = fileTree([
  directory('tmp', 0o1777),
  file('bin/tool', '#!', 0o755),
  symlink('bin/other', 'tool'),
  file(LONG, 'ü'),
]);

async function headers(tar: Buffer): Promise<readonly Header[]> {
  const found: Header[] = [];
  const archive = extract();
  archive.end(tar);
  for await (const entry of archive) {
    found.push(entry.header);
    entry.resume();
  }
  return found;
}

test('a layer holds the tree, with one time and no names of owners', async () => {
  const all = await headers(await tarOf(TREE, 1_700_000_000));
  assert.deepEqual(
    all
      .filter(({ name }) => !name.startsWith('long/'))
      .map(({ name, type, mode, linkname }) => [name, type, mode, linkname]),
    [
      ['bin/', 'directory', 0o755, null],
      ['bin/other', 'symlink', 0o777, 'tool'],
      ['bin/tool', 'file', 0o755, null],
      ['tmp/', 'directory', 0o1777, null],
    ],
  );
  assert.equal(all.filter(({ name }) => name === LONG)[0]?.size, 2);
  for (const { mtime, uid, gid, uname, gname } of all)
    assert.deepEqual([mtime?.getTime(), uid, gid, uname, gname], [1_700_000_000_000, 0, 0, '', '']);
});

test('equal trees give equal bytes, whatever order they were made in', async () => {
  const again = fileTree([...TREE.values()].reverse());
  assert.ok((await tarOf(TREE, 0)).equals(await tarOf(again, 0)));
  assert.ok(!(await tarOf(TREE, 0)).equals(await tarOf(TREE, 1)));
});

test('a written layer is what its descriptor says, and its gzip header tells nothing', async () => {
  const layer = await writeLayer(layout, 'a test', TREE, 0);
  const bytes = readFileSync(join(layout, blobPath(layer.descriptor.digest)));
  assert.equal(digestOf(bytes), layer.descriptor.digest);
  assert.equal(bytes.length, layer.descriptor.size);
  assert.equal(digestOf(gunzipSync(bytes)), layer.diffId);
  assert.equal(layer.contentBytes, 4);
  // RFC 1952, 2.3: deflate, no flags (no name), no time, Unix.
  assert.deepEqual([bytes[2], bytes[3], bytes.readUInt32LE(4), bytes[9]], [8, 0, 0, 3]);
});
