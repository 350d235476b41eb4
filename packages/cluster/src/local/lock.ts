import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterPaths } from './paths.ts';
import { identify, isRunning, type ProcessIdentity } from './process.ts';

/** Another command is bringing the same cluster up or down. */
export class ClusterBusy extends Error {
  constructor(name: string, pid: number) {
    super(`another command (process ${pid}) is working on the cluster "${name}": wait for its end and try again`);
    this.name = 'ClusterBusy';
  }
}

/** Takes the cluster for one command; the lock of a command that has died is taken over. Throws {@link ClusterBusy}. */
export function lockCluster(paths: ClusterPaths): () => void {
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  const file = join(paths.home, `.${paths.name}.lock`);
  for (;;) {
    try {
      const descriptor = openSync(file, 'wx', 0o600);
      writeSync(descriptor, JSON.stringify(identify(process.pid)));
      closeSync(descriptor);
      let held = true;
      return () => {
        // Once only: afterwards the file may be another command's.
        if (held) rmSync(file, { force: true });
        held = false;
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = readHolder(file);
    if (holder && isRunning(holder)) throw new ClusterBusy(paths.name, holder.pid);
    rmSync(file, { force: true });
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
