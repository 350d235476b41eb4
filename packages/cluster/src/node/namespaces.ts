import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { type IdMap, type IdRange, idMapOfCaller } from './id-map.ts';
import { PROGRAM_PATH, run } from './run.ts';

/** A namespace could not be made; the message holds what the program said. */
export class NamespaceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NamespaceError';
  }
}

/** How to start a program in a user namespace. */
export interface UserNamespaceOptions {
  /** Standard input, output and error, and perhaps `ipc` as the fourth. */
  readonly stdio: readonly ('ignore' | 'pipe' | 'inherit' | 'ipc' | number)[];
  readonly env?: Readonly<Record<string, string>>;
  readonly idMap?: IdMap;
}

/**
 * Waits inside the new user namespace, without any privilege, until its id maps are written; the program that is then
 * executed has every capability over the namespace, and none over the machine.
 */
const ENTER = 'echo >&4; read -r go <&5 || exit 125; exec 4>&- 5<&-; exec "$@"';

/**
 * Starts a program as root of a new user namespace with the caller's id map. Rejects with {@link NamespaceError} when the
 * kernel refuses, with IdMapError when the user has no subordinate ids. One way for root and ordinary users, and independent of what
 * util-linux knows of maps.
 */
export async function spawnInUserNamespace(
  argv: readonly string[],
  options: UserNamespaceOptions,
): Promise<ChildProcess> {
  const idMap = options.idMap ?? idMapOfCaller();
  const stdio = [...options.stdio];
  while (stdio.length < 4) stdio.push('ignore');
  const child = spawn('unshare', ['--user', '--', '/bin/sh', '-c', ENTER, 'sh', ...argv], {
    cwd: '/',
    env: { ...process.env, ...options.env, PATH: PROGRAM_PATH },
    stdio: [...stdio, 'pipe', 'pipe'] as StdioOptions,
  });
  const pipes: readonly (Readable | Writable | null | undefined)[] = child.stdio;
  const ready = pipes[4] as Readable;
  const go = pipes[5] as Writable;
  go.on('error', () => {});
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(new NamespaceError(`cannot run unshare: ${error.message}`)));
    child.once('exit', (code) =>
      reject(new NamespaceError(`the kernel refused a user namespace (unshare ended with ${code})`)),
    );
  });
  // Only of interest while this function runs.
  ended.catch(() => {});
  await Promise.race([once(ready, 'data'), ended]);
  ready.destroy();
  try {
    await writeMaps(child.pid as number, idMap);
  } catch (error) {
    child.kill('SIGKILL');
    throw new NamespaceError(
      `cannot map user ids into the namespace: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  go.end('go\n');
  return child;
}

/** The command that gives a program its own network, mount and PID namespaces, and ends it with its parent. */
export function isolated(argv: readonly string[]): readonly string[] {
  return [
    // Set here, because the kernel forgets the death signal when capabilities are gained.
    ...['setpriv', '--pdeathsig', 'KILL', '--'],
    ...['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
    // The shell is the namespace's first process: it reaps orphans.
    ...['/bin/sh', '-c', '"$@" & wait $!', 'init', ...argv],
  ];
}

/** The command that runs a program inside the namespaces of a process started with {@link isolated}. */
export function enterIsolated(pid: number, argv: readonly string[]): readonly string[] {
  return [
    'nsenter',
    '--target',
    String(pid),
    '--user',
    '--net',
    '--mount',
    `--pid=/proc/${pid}/ns/pid_for_children`,
    '--',
    ...argv,
  ];
}

/** Runs a program to its end as root of a user namespace, discarding its output. Rejects with its standard error. */
export async function runInUserNamespace(argv: readonly string[]): Promise<void> {
  const child = await spawnInUserNamespace(argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(0, 4000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new NamespaceError(stderr.trim() || `${argv[0]} ended with ${code}`);
}

async function writeMaps(pid: number, idMap: IdMap): Promise<void> {
  if (idMap.subordinate) {
    await Promise.all([
      run('newuidmap', [String(pid), ...idMap.uids.flatMap(mapArguments)]),
      run('newgidmap', [String(pid), ...idMap.gids.flatMap(mapArguments)]),
    ]);
    return;
  }
  writeFileSync(`/proc/${pid}/uid_map`, mapText(idMap.uids));
  writeFileSync(`/proc/${pid}/gid_map`, mapText(idMap.gids));
}

function mapArguments(range: IdRange): readonly string[] {
  return [String(range.inside), String(range.outside), String(range.count)];
}

function mapText(ranges: readonly IdRange[]): string {
  return `${ranges.map((range) => mapArguments(range).join(' ')).join('\n')}\n`;
}
