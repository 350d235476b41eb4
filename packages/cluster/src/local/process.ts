import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process, told apart from every later one that gets the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's (proc(5), field 22 of stat). */
  readonly startTime: string;
  /** Of the machine's start. */
  readonly bootId: string;
}

/** Identity of a running process; undefined when there is none or only its remains. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // A zombie has ended.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startTime: fields[19] ?? '', bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
  } catch {
    return undefined;
  }
}

/** True while that very process runs. */
export function isRunning(process: ProcessIdentity): boolean {
  const now = identify(process.pid);
  return now !== undefined && now.startTime === process.startTime && now.bootId === process.bootId;
}

const LOOK_EVERY_MS = 10;

/** Resolves true when the process has ended, false when it has not within the time. It need not be a child. */
export async function waitForEnd(process: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(process)) {
    if (Date.now() >= deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}

/** Ends a process: SIGTERM, and SIGKILL after `graceMs`. Does nothing when the number belongs to another by now. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  signal(identity, 'SIGTERM');
  if (await waitForEnd(identity, graceMs)) return;
  signal(identity, 'SIGKILL');
  if (!(await waitForEnd(identity, 5000))) throw new Error(`process ${identity.pid} does not end, not even by SIGKILL`);
}

/** Running processes whose command line holds both words as arguments. */
export function findProcesses(first: string, second: string): readonly ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const words = commandLine(entry);
      const found = words.includes(first) && words.includes(second) ? identify(Number(entry)) : undefined;
      return found && found.pid !== process.pid ? [found] : [];
    });
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function commandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
