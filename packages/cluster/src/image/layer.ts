import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, lchown, link, lstat, lutimes, mkdir, open, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { ArchiveEntry } from './archive.ts';

/** What an image may hold at most. */
export interface UnpackLimits {
  readonly bytes: number;
  readonly files: number;
}

/** A layer that must not be unpacked. */
export class InvalidLayer extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidLayer';
  }
}

/** Counts over all layers of an image. */
export class UnpackBudget {
  private bytes: number;
  private files: number;
  constructor(limits: UnpackLimits) {
    this.bytes = limits.bytes;
    this.files = limits.files;
  }
  take(bytes: number): void {
    this.files -= 1;
    this.bytes -= bytes;
    if (this.bytes < 0 || this.files < 0) throw new InvalidLayer('the image is larger than this cluster takes');
  }
}

const MAX_LINKS = 40;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * Unpacks one layer over what is in `root` (OCI image specification, layer.md): whiteouts remove what lower layers brought.
 * Nothing outside `root` is read or written, whatever names and links say; devices and pipes are left out, since containers get their own
 * /dev. `diffId` is checked against the uncompressed bytes. Rejects with {@link InvalidLayer}.
 */
export async function unpackLayer(
  archivePath: string,
  entry: ArchiveEntry,
  diffId: string,
  root: string,
  budget: UnpackBudget,
): Promise<void> {
  const source = createReadStream(archivePath, { start: entry.offset, end: entry.offset + entry.size - 1 });
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const tar = extract();
  const written = new Set<string>();
  const flow = pipeline(source, await decompressor(archivePath, entry), tap, tar);
  const read = (async () => {
    for await (const file of tar) {
      const { header } = file;
      budget.take(header.size ?? 0);
      await place(root, header, file as unknown as Readable, written);
      file.resume();
    }
  })();
  await Promise.all([flow, read]).catch((error: unknown) => {
    tar.destroy();
    throw error;
  });
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== diffId)
    throw new InvalidLayer(`a layer is damaged: its hash is ${found}, the configuration says ${diffId}`);
}

async function decompressor(path: string, entry: ArchiveEntry): Promise<NodeJS.ReadWriteStream> {
  const file = await open(path, 'r');
  const magic = Buffer.alloc(4);
  await file.read(magic, 0, Math.min(4, entry.size), entry.offset).finally(() => file.close());
  if (magic[0] === 0x1f && magic[1] === 0x8b) return createGunzip();
  if (magic.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress();
  return new PassThrough();
}

async function place(root: string, header: Header, content: Readable, written: Set<string>): Promise<void> {
  const name = cleanName(header.name);
  if (name === '') return chmodOwned(root, header);
  const base = posix.basename(name);
  const parent = await directoryInRoot(root, posix.dirname(name), 0);
  if (base === OPAQUE) return removeLower(root, parent, written);
  if (base.startsWith(WHITEOUT)) {
    const hidden = join(parent, base.slice(WHITEOUT.length));
    if (hidden.startsWith(`${parent}/`) && !written.has(hidden)) await rm(hidden, { recursive: true, force: true });
    return;
  }
  const path = join(parent, base);
  const old = await lstat(path).catch(() => undefined);
  if (old && !(old.isDirectory() && header.type === 'directory')) await rm(path, { recursive: true, force: true });
  switch (header.type) {
    case 'directory':
      if (!old?.isDirectory()) await mkdir(path);
      break;
    case 'file':
    case 'contiguous-file':
      await writeContent(path, content);
      break;
    case 'symlink':
      await symlink(header.linkname ?? '', path);
      break;
    case 'link': {
      const target = cleanName(header.linkname ?? '');
      await link(join(await directoryInRoot(root, posix.dirname(target), 0), posix.basename(target)), path);
      written.add(path);
      return;
    }
    default:
      return;
  }
  written.add(path);
  await chmodOwned(path, header);
}

async function writeContent(path: string, content: Readable): Promise<void> {
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    for await (const chunk of content) await file.writeFile(chunk as Buffer);
  } finally {
    await file.close();
  }
}

async function chmodOwned(path: string, header: Header): Promise<void> {
  const tolerate = (error: NodeJS.ErrnoException) => {
    // An id that the namespace has not (above 65535): the file stays root's.
    if (error.code !== 'EINVAL' && error.code !== 'EPERM') throw error;
  };
  await lchown(path, header.uid ?? 0, header.gid ?? 0).catch(tolerate);
  // After the owner, since a change of owner takes the set-user-id bit away.
  if (header.type !== 'symlink') await chmod(path, (header.mode ?? 0o755) & 0o7777).catch(tolerate);
  if (header.mtime) await lutimes(path, header.mtime, header.mtime);
}

/** An entry's name without `./` and leading `/`. Throws when it climbs. */
function cleanName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0'))
    throw new InvalidLayer(`the layer holds a name that leaves its root: ${JSON.stringify(name.slice(0, 200))}`);
  return parts.join('/');
}

/** The real directory of a path below `root`, links being followed as if `root` were `/`; missing parts are made. */
async function directoryInRoot(root: string, path: string, links: number): Promise<string> {
  if (links > MAX_LINKS) throw new InvalidLayer(`too many links on the way to ${JSON.stringify(path.slice(0, 200))}`);
  let at = '/';
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const [index, part] of parts.entries()) {
    if (part === '..') {
      at = posix.dirname(at);
      continue;
    }
    const next = posix.join(at, part);
    const state = await lstat(join(root, next)).catch(() => undefined);
    if (!state) await mkdir(join(root, next), { mode: 0o755 });
    else if (state.isSymbolicLink()) {
      const target = await readlink(join(root, next));
      const rest = parts.slice(index + 1);
      const from = target.startsWith('/') ? target : `${at}/${target}`;
      return directoryInRoot(root, [from, ...rest].join('/'), links + 1);
    } else if (!state.isDirectory()) throw new InvalidLayer(`${next} is a file where the layer has a directory`);
    at = next;
  }
  return join(root, at);
}

/** Empties a directory of all but what this layer wrote. */
async function removeLower(root: string, directory: string, written: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!written.has(path)) await rm(path, { recursive: true, force: true });
    else if ((await lstat(path)).isDirectory()) await removeLower(root, path, written);
  }
}
