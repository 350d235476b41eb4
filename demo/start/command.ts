import { type ChildProcess, spawn } from 'node:child_process';

/** A program ended with a failure; the message holds what it said. */
export class CommandFailed extends Error {
  constructor(command: string, why: string) {
    super(`${command}: ${why}`);
    this.name = 'CommandFailed';
  }
}

/** How a program is run. */
export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** Collects what a child writes, and rejects with {@link CommandFailed} unless it ends with 0. */
export function outcome(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    let complaint = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data;
    });
    child.stderr?.on('data', (data: Buffer) => {
      complaint += data;
    });
    child.once('error', (error) => reject(new CommandFailed(name, error.message)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new CommandFailed(name, complaint.trim() || output.trim() || `ended with ${signal ?? code}`));
    });
  });
}

/** Runs a program and resolves with its standard output. */
export function runCommand(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.signal && { signal: options.signal }),
  });
  // A program that ends early does not read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return outcome(child, `${program.split('/').at(-1)} ${args.join(' ')}`);
}
