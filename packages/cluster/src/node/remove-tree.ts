import { rm } from 'node:fs/promises';
import { runInUserNamespace } from './namespaces.ts';

/**
 * Removes a directory with all it holds, also what belongs to the ids of pods, which an ordinary user may only
 * remove as root of the user namespace that lent them. Rejects when something stays.
 */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error;
    await runInUserNamespace(['rm', '-rf', '--one-file-system', '--', directory]);
  }
}
