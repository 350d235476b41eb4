import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type OutputSink, openOutput } from './container-output.ts';
import type { RootPlan } from './container-root.ts';
import { makeSkeleton } from './root-skeleton.ts';
import { killMountNamespace, outerPid } from './shared-pids.ts';

/** Everything needed to run one container's process. */
export interface ProcessRequest {
  readonly root: RootPlan;
  /** Path of the network namespace; undefined stays in the node's own. */
  readonly netns: string | undefined;
  /** Joins the PID namespace of this process instead of making one (shareProcessNamespace). */
  readonly pidNamespaceOf?: number;
  readonly hostname: string;
  readonly env: Readonly<Record<string, string>>;
  /** Full command line inside the container, launcher included. */
  readonly command: readonly string[];
  /** Private directory of this run, for the pipes. */
  readonly scratch: string;
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** How a container's process ended. */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** The application never ran: its sandbox or its program could not be set up. */
  | { readonly kind: 'failed'; readonly message: string };

/** A running container. */
export interface ContainerProcess {
  /** PID (in the node's PID namespace) of the container's first process. */
  readonly initPid: number;
  readonly stdin: Writable | undefined;
  /** The outermost process; script(1) when there is a terminal. */
  readonly child: ChildProcess;
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal to the application itself. SIGKILL ends every process of the container. */
  signal(signal: NodeJS.Signals): void;
}

const DRAIN_MS = 1000;

/**
 * Starts a container: network namespace, overlays in a mount namespace of their own, bwrap for root, PID, IPC and UTS
 * namespaces, then the launcher. bwrap's own first process reaps orphans and ends when the application does, and
 * everything dies with the kubelet. Resolves once the application is about to run; rejects with the set-up's message.
 */
export async function startProcess(request: ProcessRequest, output: OutputSink): Promise<ContainerProcess> {
  makeSkeleton(request.root);
  mkdirSync(request.scratch, { recursive: true });
  const streams = request.tty ? undefined : await openOutput(request.scratch, output);
  let failure = '';
  const [program = '', ...rest] = commandLine(request);
  const stdin = request.stdin || request.tty ? ('pipe' as const) : ('ignore' as const);
  const child = spawn(program, rest, {
    cwd: '/',
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    // 0-2 are the application's; bwrap reports on 3 and reads its arguments (the environment is not for `ps`) from 4.
    stdio: [stdin, streams?.writeEnds[0] ?? 'pipe', streams?.writeEnds[1] ?? 'pipe', 'pipe', 'pipe'],
  });
  streams?.closeWriteEnds();
  if (!streams) {
    child.stdout?.on('data', (chunk: Buffer) => {
      failure = (failure + chunk.toString('utf8')).slice(-2000);
      output('stdout', chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => output('stderr', chunk));
  }
  streams?.tap((chunk) => {
    failure = (failure + chunk.toString('utf8')).slice(-2000);
  });
  (child.stdio[4] as Writable).on('error', () => {});
  (child.stdio[4] as Writable).end(
    bwrapArguments(request)
      .map((a) => `${a}\0`)
      .join(''),
  );
  child.stdin?.on('error', () => {});

  const report = readReport(child.stdio[3] as Readable);
  const closed = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
  });
  // In a shared PID namespace orphans outlive the application; they are known by their mount namespace.
  let mountNamespace: string | undefined;
  let ended = false;
  const exited = closed.then(async (code): Promise<ProcessExit> => {
    ended = true;
    if (mountNamespace) killMountNamespace(mountNamespace);
    await Promise.race([Promise.all([report.closed, streams?.drained]), delay(DRAIN_MS, undefined, { ref: false })]);
    streams?.close();
    const launcherFault = /^setpriv: (failed to execute|.*failed:) ?.*/m.exec(failure)?.[0];
    if (!report.ran())
      return { kind: 'failed', message: failure.trim() || `the sandbox could not be set up (exit code ${code})` };
    if ((code === 127 || code === 126 || code === 1) && launcherFault)
      return { kind: 'failed', message: launcherFault };
    return { kind: 'exited', exitCode: code };
  });
  const reportedPid = await Promise.race([
    report.childPid,
    exited.then((exit) => {
      throw new Error(exit.kind === 'failed' ? exit.message : `the sandbox ended with code ${exit.exitCode}`);
    }),
  ]);
  const initPid = await applicationStarted(request.pidNamespaceOf, reportedPid, () => ended);
  if (request.pidNamespaceOf !== undefined) mountNamespace = linkOf(`/proc/${initPid}/ns/mnt`);
  return {
    initPid,
    child,
    stdin: child.stdin ?? undefined,
    exited,
    signal: (signal) => signalContainer(child, initPid, request.pidNamespaceOf !== undefined, signal),
  };
}

function commandLine(request: ProcessRequest): readonly string[] {
  const enter = [
    ...(request.netns === undefined ? [] : [`--net=${request.netns}`]),
    ...(request.pidNamespaceOf === undefined ? [] : [`--pid=/proc/${request.pidNamespaceOf}/ns/pid`]),
  ];
  const { overlays } = request.root;
  const mounts = [
    ...overlays.map(() => 'mount -t overlay overlay -o "$1" "$2" || exit; shift 2'),
    // bwrap looks its child up in /proc, which has to count as the shared namespace does.
    ...(request.pidNamespaceOf === undefined ? [] : ['mount -t proc proc /proc || exit']),
  ];
  const whole = [
    ...(enter.length > 0 ? ['nsenter', ...enter, '--'] : []),
    ...(mounts.length > 0
      ? [
          'unshare',
          '--mount',
          '/bin/sh',
          '-c',
          [...mounts, 'exec "$@"'].join('; '),
          'sh',
          ...overlays.flatMap((o) => [
            `lowerdir=${escapeColon(o.lower)},upperdir=${o.upper},workdir=${o.work},userxattr`,
            o.merged,
          ]),
        ]
      : []),
    'bwrap',
    '--args',
    '4',
    '--',
    ...request.command,
  ];
  // A terminal is made by script(1): it owns the pty and hands on the exit code.
  return request.tty
    ? ['script', '--quiet', '--flush', '--return', '--command', whole.map(shellQuote).join(' '), '/dev/null']
    : whole;
}

function bwrapArguments(request: ProcessRequest): readonly string[] {
  return [
    ...request.root.arguments,
    ...(request.pidNamespaceOf === undefined ? ['--unshare-pid'] : []),
    '--unshare-ipc',
    '--unshare-uts',
    '--hostname',
    request.hostname,
    '--die-with-parent',
    '--json-status-fd',
    '3',
    '--clearenv',
    ...Object.entries(request.env).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Quotes one word for sh. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function escapeColon(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

/** bwrap's JSON documents: the PID at once, the exit code only when the sandbox had been set up. */
function readReport(stream: Readable) {
  let text = '';
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => resolve());
    stream.on('error', () => resolve());
  });
  const childPid = new Promise<number>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const pid = /"child-pid": (\d+)/.exec(text)?.[1];
      if (pid) resolve(Number(pid));
    });
  });
  return { childPid, closed, ran: () => text.includes('"exit-code"') };
}

/**
 * Waits until a signal would reach the application rather than bwrap, which ignores it; a few milliseconds. Gives the
 * container's first process as the node counts it: in a shared PID namespace bwrap counts as that namespace does.
 */
async function applicationStarted(shared: number | undefined, reported: number, ended: () => boolean): Promise<number> {
  for (;;) {
    if (shared === undefined) {
      if (firstChild(reported) !== undefined || ended()) return reported;
    } else {
      const pid = outerPid(shared, reported);
      if (pid !== undefined) return pid;
      if (ended()) throw new Error('the container ended before its process was seen');
    }
    await delay(1);
  }
}

function signalContainer(child: ChildProcess, initPid: number, sharedPids: boolean, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const target = signal === 'SIGKILL' && !sharedPids ? initPid : applicationPid(initPid, sharedPids);
  try {
    process.kill(target, signal);
  } catch {
    // It has gone in the meantime.
  }
}

/** The application is the only child of bwrap's first process, and is that process itself in a shared PID namespace. */
function applicationPid(initPid: number, sharedPids: boolean): number {
  return sharedPids ? initPid : (firstChild(initPid) ?? initPid);
}

function firstChild(pid: number): number | undefined {
  try {
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0];
    return first ? Number(first) : undefined;
  } catch {
    return childByStat(pid);
  }
}

/** For kernels built without /proc/PID/task/TID/children. */
function childByStat(parent: number): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (fields[1] === String(parent)) return Number(entry);
    } catch {
      // A process that has ended while the list was read.
    }
  }
  return undefined;
}
