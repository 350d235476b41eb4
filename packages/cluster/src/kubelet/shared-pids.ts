import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';

/** The PID namespace of a pod with shareProcessNamespace, held by a process that does nothing but reap orphans. */
export interface SharedPids {
  /** PID, as the node sees it, of a process in the namespace. */
  readonly pid: number;
  /** Ends every process in it. */
  release(): void;
}

/** Makes a PID namespace: bwrap's own first process reaps, and a sleeping child keeps it. */
export async function createSharedPids(): Promise<SharedPids> {
  const holder: ChildProcess = spawn(
    'bwrap',
    ['--ro-bind', '/', '/', '--unshare-pid', '--die-with-parent', '--json-status-fd', '3', '--', 'sleep', 'infinity'],
    { cwd: '/', stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  const report = holder.stdio[3] as Readable;
  let text = '';
  const pid = await new Promise<number>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('exit', () => reject(new Error("the pod's shared PID namespace could not be made")));
    report.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const found = /"child-pid": (\d+)/.exec(text)?.[1];
      if (found) resolve(Number(found));
    });
  });
  return {
    pid,
    release() {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has gone already.
      }
    },
  };
}

/** The node's PID of the process that is `inner` in the PID namespace of `holder`. */
export function outerPid(holder: number, inner: number): number | undefined {
  const namespace = readlinkSync(`/proc/${holder}/ns/pid`);
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readlinkSync(`/proc/${entry}/ns/pid`) !== namespace) continue;
      const ids = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] ?? '';
      if (ids.trim().split(/\s+/).at(-1) === String(inner)) return Number(entry);
    } catch {
      // A process that has ended while the list was read.
    }
  }
  return undefined;
}

/** Kills what a container has left in a shared PID namespace: every process in its mount namespace. */
export function killMountNamespace(namespace: string): void {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readlinkSync(`/proc/${entry}/ns/mnt`) === namespace) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // A process that has ended while the list was read.
    }
  }
}
