import { spawn } from 'node:child_process';

/** PATH for the programs that the cluster calls: ordinary users often lack the sbin directories. */
export const PROGRAM_PATH = [
  ...new Set([
    ...(process.env.PATH ?? '').split(':').filter(Boolean),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ]),
].join(':');

/** A program ended with an error; the message holds its name, arguments and what it said. */
export class CommandError extends Error {
  readonly exitCode: number | undefined;
  readonly stderr: string;
  constructor(program: string, argv: readonly string[], exitCode: number | undefined, stderr: string) {
    const said = stderr.trim().split('\n').slice(0, 5).join('; ').slice(0, 800);
    super(
      `${[program, ...argv].join(' ').slice(0, 300)} failed${exitCode === undefined ? '' : ` (exit code ${exitCode})`}: ${said}`,
    );
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Runs a program to its end, with `input` on its standard input, and gives what it printed. Rejects with {@link CommandError}. */
export function run(program: string, argv: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: 'pipe', env: { ...process.env, PATH: PROGRAM_PATH, LC_ALL: 'C' } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    child.once('error', (error) => reject(new CommandError(program, argv, undefined, error.message)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new CommandError(program, argv, code ?? undefined, stderr || `ended by ${signal}`));
    });
    // A program that has ended without reading its input is judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
