import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { type Descriptor, digestOf, putBlob } from './blobs.ts';
import type { FileTree, TreeEntry } from './tree.ts';

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const compress = promisify(gzip);

/** A layer that lies in an image layout. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** Digest of the archive before compression; it is the same wherever and with whatever zlib it was compressed. */
  readonly diffId: string;
  /** Bytes of its files. */
  readonly contentBytes: number;
  /** Why it is there, for the history of the image. */
  readonly createdBy: string;
}

/** The tar header of an entry (POSIX.1-1988 ustar, with pax for long names). Times are whole seconds. */
function headerOf(entry: TreeEntry, mtime: Date): Partial<Header> & { name: string } {
  const { path, mode, uid, gid } = entry;
  const common = { mode, uid, gid, mtime, uname: '', gname: '' };
  switch (entry.type) {
    case 'directory':
      return { ...common, name: `${path}/`, type: 'directory' };
    case 'symlink':
      return { ...common, name: path, type: 'symlink', linkname: entry.target };
    case 'file':
      return { ...common, name: path, type: 'file', size: entry.content.length };
  }
}

/** A tree as a tar archive; every entry has the same modification time, in seconds since 1970. */
export async function tarOf(tree: FileTree, epoch: number): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(epoch * 1000);
  const chunks: Buffer[] = [];
  const read = (async () => {
    for await (const chunk of archive) chunks.push(chunk as Buffer);
  })();
  for (const entry of tree.values()) {
    await new Promise<void>((done, reject) => {
      const end = (error?: Error | null) => (error ? reject(error) : done());
      const header = headerOf(entry, mtime);
      if (entry.type === 'file') archive.entry(header, entry.content, end);
      else archive.entry(header, end);
    });
  }
  archive.finalize();
  await read;
  return Buffer.concat(chunks);
}

/**
 * Writes a tree as a compressed layer. The gzip header (RFC 1952) carries no name and no time, and says Unix wherever it was
 * written.
 */
export async function writeLayer(layout: string, createdBy: string, tree: FileTree, epoch: number): Promise<Layer> {
  const tar = await tarOf(tree, epoch);
  const bytes = (await compress(tar, { level: 6, memLevel: 8, strategy: constants.Z_DEFAULT_STRATEGY })) as Buffer;
  bytes.writeUInt32LE(0, 4);
  bytes[9] = 3;
  const sizes = [...tree.values()].map((entry) => (entry.type === 'file' ? entry.content.length : 0));
  return {
    descriptor: await putBlob(layout, LAYER_TYPE, bytes),
    diffId: digestOf(tar),
    contentBytes: sizes.reduce((sum, size) => sum + size, 0),
    createdBy,
  };
}
