import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { setprivArguments } from './identity.ts';
import { type Launcher, launchCommand, splitEnvironment } from './launcher.ts';
import type { RunningContainer } from './running-container.ts';

/** A command line and environment that runs something inside a container. */
export interface EnterCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How to run `command` in a container: in its namespaces, as its user, with its environment and working directory. */
export function enterCommand(
  launcher: Launcher,
  container: RunningContainer,
  command: readonly string[],
  extraEnv: Readonly<Record<string, string>> = {},
): EnterCommand {
  const { plain, late } = splitEnvironment({ ...container.env, ...extraEnv });
  return {
    program: '/usr/bin/nsenter',
    arguments: [
      '--target',
      String(container.process.initPid),
      '--mount',
      '--uts',
      '--ipc',
      '--net',
      '--pid',
      `--wdns=${container.workingDir}`,
      '--',
      ...launchCommand(launcher, setprivArguments(container.identity), late, command),
    ],
    // nsenter itself gets nothing that steers the dynamic loader: it still holds the node's privileges.
    env: plain,
  };
}

/** Starts an {@link EnterCommand} in a process group of its own, so that it can be killed whole. */
export function spawnEntered(enter: EnterCommand, stdio: StdioOptions): ChildProcess {
  return spawn(enter.program, enter.arguments, { env: enter.env, cwd: '/', stdio, detached: true });
}

/** Kills what {@link spawnEntered} started. */
export function killEntered(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has gone in the meantime.
  }
}

/** Result of a short command. */
export interface ShortResult {
  /** Undefined when the time was over. */
  readonly exitCode: number | undefined;
  /** The first output of both streams. */
  readonly output: string;
}

const OUTPUT_LIMIT = 10 * 1024;

/** Runs a short command in a container (exec probes and hooks). Never rejects: what cannot be started exits with 126. */
export async function runEntered(enter: EnterCommand, timeoutMs: number, signal?: AbortSignal): Promise<ShortResult> {
  const child = spawnEntered(enter, ['ignore', 'pipe', 'pipe']);
  let output = '';
  const collect = (chunk: Buffer): void => {
    if (output.length < OUTPUT_LIMIT) output += chunk.toString('utf8');
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return await new Promise<ShortResult>((resolve) => {
    const end = (exitCode: number | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve({ exitCode, output: output.slice(0, OUTPUT_LIMIT) });
    };
    const abort = (): void => {
      killEntered(child);
      child.stdout?.destroy();
      child.stderr?.destroy();
      end(undefined);
    };
    const timer = setTimeout(abort, Math.min(timeoutMs, 2 ** 31 - 1));
    signal?.addEventListener('abort', abort);
    child.once('error', (error) => {
      output += error.message;
      end(126);
    });
    child.once('close', (code) => end(code ?? 137));
  });
}
