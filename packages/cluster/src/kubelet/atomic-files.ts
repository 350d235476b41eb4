import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VolumeFile } from './volume-files.ts';

/**
 * Replaces the content of a volume at once, the way Kubernetes documents it for configMap and secret volumes: files lie
 * in a fresh `..<stamp>` directory, `..data` points to it by one rename, and each visible name is a link through
 * `..data`. A reader therefore sees the old set or the new one, never a mixture. Returns false when nothing changed.
 */
export async function writeAtomically(
  directory: string,
  files: ReadonlyMap<string, VolumeFile>,
  gid: number | undefined,
): Promise<boolean> {
  const data = join(directory, '..data');
  const old = await readlink(data).catch(() => undefined);
  if (old && (await isSame(join(directory, old), files))) return false;
  const fresh = await mkdtemp(`${directory}/..`);
  await chmod(fresh, 0o755);
  for (const [path, file] of files) {
    const place = join(fresh, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o755 });
    await writeFile(place, file.data);
    if (gid !== undefined) await chown(place, 0, gid);
    await chmod(place, gid === undefined ? file.mode : file.mode | 0o440);
  }
  const name = fresh.slice(directory.length + 1);
  await symlink(name, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), data);
  const visible = new Set([...files.keys()].map((path) => path.split('/')[0] ?? ''));
  const present = (await readdir(directory)).filter((entry) => !entry.startsWith('..'));
  for (const entry of visible)
    if (!present.includes(entry)) await symlink(join('..data', entry), join(directory, entry));
  for (const entry of present) if (!visible.has(entry)) await rm(join(directory, entry), { force: true });
  if (old) await rm(join(directory, old), { recursive: true, force: true });
  return true;
}

async function isSame(directory: string, files: ReadonlyMap<string, VolumeFile>): Promise<boolean> {
  const present = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  if (present.filter((entry) => entry.isFile()).length !== files.size) return false;
  for (const [path, file] of files) {
    const content = await readFile(join(directory, path)).catch(() => undefined);
    if (!content?.equals(file.data)) return false;
  }
  return true;
}
