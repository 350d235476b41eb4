import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { shellQuote } from './container-process.ts';
import { type EnterCommand, killEntered, spawnEntered } from './enter.ts';
import type { RemoteCommand, StreamOptions } from './remote-command.ts';
import type { RunningContainer } from './running-container.ts';

/** How long output is awaited from processes that a finished command has left behind. */
const DRAIN_MS = 1000;

/** Runs a command in a container for a client (kubectl exec). With tty, script(1) makes the terminal. */
export function execCommand(enter: EnterCommand, options: StreamOptions): RemoteCommand {
  const child = spawnEntered(options.tty ? withTerminal(enter) : enter, [
    options.stdin ? 'pipe' : 'ignore',
    'pipe',
    'pipe',
  ]);
  child.stdin?.on('error', () => {});
  const result = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const exitCode = code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
      const late = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, DRAIN_MS);
      child.once('close', () => clearTimeout(late));
      resolve(exitCode);
    });
  });
  return {
    stdout: child.stdout ?? undefined,
    stderr: child.stderr ?? undefined,
    write: (data) => child.stdin?.write(data) ?? true,
    onDrain: (listener) => child.stdin?.on('drain', listener),
    endInput: () => child.stdin?.end(),
    resize: (size) => void resizeTerminal(child, size),
    result,
    abandon: () => killEntered(child),
  };
}

/** Follows a container's own streams (kubectl attach). Ends with the container. */
export function attachCommand(
  container: RunningContainer,
  exited: Promise<void>,
  exitCode: () => number | undefined,
  stdinOnce: boolean,
): RemoteCommand {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const detach = container.tap((stream, chunk) => void (stream === 'stdout' ? stdout : stderr).write(chunk));
  const end = (): void => {
    detach();
    stdout.end();
    stderr.end();
  };
  const { stdin } = container.process;
  let abandoned: () => void = () => {};
  const left = new Promise<undefined>((resolve) => {
    abandoned = () => resolve(undefined);
  });
  return {
    stdout,
    stderr,
    write: (data) => stdin?.write(data) ?? true,
    onDrain: (listener) => stdin?.on('drain', listener),
    endInput: () => {
      if (stdinOnce) stdin?.end();
    },
    resize: (size) => void resizeTerminal(container.process.child, size),
    result: Promise.race([exited.then(exitCode), left]).finally(end),
    abandon: () => {
      if (stdinOnce) stdin?.end();
      abandoned();
    },
  };
}

/** The same command under script(1), which gives it a pseudo-terminal and hands on its exit code. */
function withTerminal(enter: EnterCommand): EnterCommand {
  const line = ['exec', enter.program, ...enter.arguments]
    .map((word, index) => (index === 0 ? word : shellQuote(word)))
    .join(' ');
  return {
    program: '/usr/bin/script',
    arguments: ['--quiet', '--flush', '--return', '--echo', 'always', '--command', line, '/dev/null'],
    env: { TERM: 'xterm', ...enter.env, SHELL: '/bin/sh' },
  };
}

/** Sets the size of the terminal that script(1) made; its foreground processes get SIGWINCH. */
async function resizeTerminal(script: ChildProcess, size: { width: number; height: number }): Promise<void> {
  for (let attempt = 0; attempt < 20 && script.exitCode === null; attempt++) {
    const terminal = terminalOf(script.pid ?? 0);
    if (terminal) {
      const stty = spawn('stty', ['-F', terminal, 'rows', String(size.height), 'cols', String(size.width)], {
        stdio: 'ignore',
      });
      stty.on('error', () => {});
      return;
    }
    await delay(25);
  }
}

function terminalOf(scriptPid: number): string | undefined {
  try {
    const child = readFileSync(`/proc/${scriptPid}/task/${scriptPid}/children`, 'utf8').split(' ')[0];
    const terminal = child ? readlinkSync(`/proc/${child}/fd/0`) : '';
    return terminal.startsWith('/dev/pts/') ? terminal : undefined;
  } catch {
    return undefined;
  }
}
