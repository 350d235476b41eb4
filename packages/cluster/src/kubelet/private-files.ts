import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files and directories that only their owner or group may read. */
export interface PrivateFiles {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/**
 * Finds what is not for everybody below a directory: a pod's root may be the machine's root by number and would read
 * it (password hashes, host keys, credentials of services). Directories found are not searched further.
 */
export async function findPrivateFiles(directory: string): Promise<PrivateFiles> {
  const files: string[] = [];
  const directories: string[] = [];
  const visit = async (at: string): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(at, entry.name);
      if (entry.isSymbolicLink()) continue;
      const mode = await lstat(path).then(
        (stats) => stats.mode,
        () => 0,
      );
      if (entry.isDirectory()) {
        if ((mode & 0o005) === 0o005) await visit(path);
        else directories.push(path);
      } else if ((mode & 0o004) === 0) {
        files.push(path);
      }
    }
  };
  await visit(directory);
  return { files: files.sort(), directories: directories.sort() };
}
