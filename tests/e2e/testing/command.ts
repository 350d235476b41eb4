import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What became of a command. `code` is null when a signal ended it. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing that these tests ask for takes longer; a command that does is ended, and the test fails with what it said so far. */
const LIMIT_MS = 120_000;

/** A program that runs in the background; both its streams are read. */
export class RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';
  private readonly line: string;

  constructor(program: string, args: readonly string[], options: SpawnOptions = {}, limitMs = LIMIT_MS) {
    this.line = [program.split('/').at(-1), ...args].join(' ');
    this.child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (data: Buffer) => {
      this.stdout += data;
    });
    this.child.stderr?.on('data', (data: Buffer) => {
      this.stderr += data;
    });
    // A program that ends early does not read its input.
    this.child.stdin?.on('error', () => {});
    const limit = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => {
        clearTimeout(limit);
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.ended.catch(() => {});
  }

  /** Resolves when what it has said so far, on either stream, matches. Rejects when it ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let running = true;
    const end = this.ended.then(() => {
      running = false;
    });
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (found) return found;
      if (!running) throw new Error(`${this.line} ended and had not said ${pattern}: ${this.stderr}${this.stdout}`);
      const { stdout, stderr } = this.child;
      if (!stdout || !stderr) throw new Error(`${this.line} was not started`);
      const stop = new AbortController();
      const data = [stdout, stderr].map((stream) => once(stream, 'data', { signal: stop.signal }).catch(() => {}));
      await Promise.race([...data, end]);
      stop.abort();
    }
  }

  /** Ends it with a signal, and resolves when it has ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** How a command is run to its end. */
export interface RunOptions extends SpawnOptions {
  readonly input?: string;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { input = '', ...rest } = options;
  const command = new RunningCommand(program, args, rest);
  command.child.stdin?.end(input);
  return command.ended;
}
