import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ImageReference, parseImageName } from './reference.ts';

/** What one image name stands for, as kept on disk. */
export interface ImageRecord {
  /** As it was given. */
  readonly name: string;
  readonly repository: string;
  /** Absent: any tag or digest of the repository. */
  readonly tag?: string;
  /** Of a loaded image: `sha256:` and the hash of its configuration. */
  readonly id?: string;
  /** `/` for the machine's own file system, otherwise a directory. */
  readonly rootfs: string;
  /** Folders of the machine, read-only, at places of the container. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  /** RFC 3339. */
  readonly added: string;
}

/** Writes a record; a former one of the same repository and tag is replaced. */
export async function writeImage(directory: string, record: ImageRecord): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = recordPath(directory, record.repository, record.tag);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

/** All records, by name. */
export async function readImages(directory: string): Promise<readonly ImageRecord[]> {
  const files = (await readdir(directory).catch(() => [])).filter((file) => file.endsWith('.json'));
  const records = await Promise.all(files.map((file) => readRecord(join(directory, file))));
  return records.filter((record) => record !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Removes the record of a name; false when there is none. */
export async function removeImage(directory: string, name: string): Promise<boolean> {
  const { repository, tag } = parseImageName(name);
  const path = recordPath(directory, repository, tag);
  const known = (await readRecord(path)) !== undefined;
  await rm(path, { force: true });
  return known;
}

/**
 * The record for a name: exactly its tag (`latest` when it has none), its digest among the loaded images, or the one
 * that was added for every tag of the repository.
 */
export async function findImage(directory: string, reference: ImageReference): Promise<ImageRecord | undefined> {
  const { repository, tag, digest } = reference;
  if (digest !== undefined) {
    const loaded = (await readImages(directory)).find(
      (record) => record.repository === repository && record.id === digest,
    );
    if (loaded) return loaded;
  } else {
    const exact = await readRecord(recordPath(directory, repository, tag ?? 'latest'));
    if (exact) return exact;
  }
  return readRecord(recordPath(directory, repository, undefined));
}

function recordPath(directory: string, repository: string, tag: string | undefined): string {
  const key = createHash('sha256')
    .update(`${repository}:${tag ?? '*'}`)
    .digest('hex')
    .slice(0, 32);
  return join(directory, `${key}.json`);
}

async function readRecord(path: string): Promise<ImageRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ImageRecord;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Error(`cannot read the image record ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
