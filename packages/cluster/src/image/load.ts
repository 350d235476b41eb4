import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { spawnInUserNamespace } from '../node/namespaces.ts';
import { removeTree } from '../node/remove-tree.ts';
import { type Archive, InvalidArchive, readArchive } from './archive.ts';
import type { UnpackLimits } from './layer.ts';
import { type ArchivedImage, readManifests } from './manifest.ts';
import { parseImageName } from './reference.ts';
import { type ImageRecord, writeImage } from './store.ts';
import type { UnpackReply, UnpackRequest } from './unpack-main.ts';

/** What to load. */
export interface ImageLoadOptions {
  /** The images' directory. */
  readonly directory: string;
  /** A docker-archive or oci-archive; may be compressed with gzip. */
  readonly file: string;
  /** Name for an archive that names none. */
  readonly name?: string;
  readonly limits?: UnpackLimits;
}

const DEFAULT_LIMITS: UnpackLimits = { bytes: 16 * 2 ** 30, files: 1_000_000 };

/**
 * Loads every image of an archive and gives them the names the archive says. Nothing is kept of an image that cannot
 * be loaded whole. Rejects with InvalidArchive, InvalidImageName or an error that names the layer's fault.
 */
export async function imageLoad(options: ImageLoadOptions): Promise<readonly ImageRecord[]> {
  const file = resolve(options.file);
  await access(file).catch(() => {
    throw new InvalidArchive(file, 'no such file, or it may not be read');
  });
  await mkdir(join(options.directory, 'rootfs'), { recursive: true, mode: 0o700 });
  const plain = await decompressed(file, options.directory);
  try {
    const archive = await readArchive(plain ?? file);
    const records: ImageRecord[] = [];
    for (const image of await readManifests(archive)) records.push(...(await loadImage(options, archive, image)));
    return records;
  } finally {
    if (plain !== undefined) await rm(plain, { force: true });
  }
}

async function loadImage(
  options: ImageLoadOptions,
  archive: Archive,
  image: ArchivedImage,
): Promise<readonly ImageRecord[]> {
  const names = options.name === undefined ? image.names.map(withRepository) : [options.name];
  const usable = names.filter((name) => name !== undefined);
  if (usable.length === 0)
    throw new InvalidArchive(options.file, 'the archive names no repository for its image: give it one with --name');
  const references = usable.map((name) => ({ name, reference: parseImageName(name) }));
  const rootfs = join(options.directory, 'rootfs', image.id.replace(':', '-'));
  if (!(await exists(rootfs))) await unpackInto(rootfs, archive, image, options.limits ?? DEFAULT_LIMITS);
  const records = references.map(({ name, reference }): ImageRecord => {
    const { User: user, WorkingDir: workingDir } = image.config;
    return {
      name,
      repository: reference.repository,
      tag: reference.tag ?? 'latest',
      id: image.id,
      rootfs,
      mounts: [],
      env: Object.fromEntries((image.config.Env ?? []).map(splitVariable)),
      entrypoint: image.config.Entrypoint ?? [],
      cmd: image.config.Cmd ?? [],
      ...(user ? { user } : {}),
      ...(workingDir ? { workingDir } : {}),
      added: new Date().toISOString(),
    };
  });
  for (const record of records) await writeImage(options.directory, record);
  return records;
}

/** Unpacks into a directory beside, which takes the place only when all went well. */
async function unpackInto(rootfs: string, archive: Archive, image: ArchivedImage, limits: UnpackLimits): Promise<void> {
  const partial = `${rootfs}.partial`;
  await removeTree(partial);
  await mkdir(partial, { mode: 0o755 });
  try {
    const layers = image.layers.map((layer, index) => ({
      // Both were checked when the manifest was read.
      entry: archive.entries.get(layer) ?? { offset: 0, size: 0 },
      diffId: image.diffIds[index] ?? '',
    }));
    await unpackInNamespace({ archive: archive.path, layers, root: partial, limits });
    await rename(partial, rootfs);
  } catch (error) {
    await removeTree(partial);
    throw error;
  }
}

async function unpackInNamespace(request: UnpackRequest): Promise<void> {
  const main = fileURLToPath(new URL('./unpack-main.ts', import.meta.url));
  const child = await spawnInUserNamespace([process.execPath, main], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-2000);
  });
  const reply = once(child, 'message') as Promise<[UnpackReply]>;
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the unpacking process ended: ${stderr.trim()}`);
  });
  ended.catch(() => {});
  child.send(request);
  const [{ message }] = await Promise.race([reply, ended]);
  if (message !== undefined) throw new InvalidArchive(request.archive, message);
}

/** Path of the decompressed copy of a gzip file; undefined when the file is not one. */
async function decompressed(file: string, directory: string): Promise<string | undefined> {
  const handle = await open(file, 'r');
  const magic = Buffer.alloc(2);
  await handle.read(magic, 0, 2, 0).finally(() => handle.close());
  if (magic.readUInt16BE(0) !== 0x1f8b) return undefined;
  const plain = join(directory, `archive-${process.pid}.tar`);
  let room = DEFAULT_LIMITS.bytes;
  try {
    await pipeline(
      createReadStream(file),
      createGunzip(),
      async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          room -= chunk.length;
          if (room < 0) throw new InvalidArchive(file, 'the image is larger than this cluster takes');
          yield chunk;
        }
      },
      createWriteStream(plain, { mode: 0o600 }),
    );
  } catch (error) {
    await rm(plain, { force: true });
    throw error;
  }
  return plain;
}

/** OCI layouts may name a tag alone, which says nothing without a repository. */
function withRepository(name: string): string | undefined {
  return /^[A-Za-z0-9_][\w.-]*$/.test(name) && !/[/:]/.test(name) ? undefined : name;
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
