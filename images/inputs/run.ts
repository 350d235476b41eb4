import { spawn } from 'node:child_process';

/** An input of an image cannot be had; the message says what would help. */
export class MissingInput extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MissingInput';
  }
}

/** Where and how a program is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** Said beside the failure. */
  readonly remedy?: string;
}

/** Runs a program to its end and resolves with its standard output. Rejects with {@link MissingInput}, which ends with what the program said. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const output: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (data: Buffer) => output.push(data));
    child.stderr.on('data', (data: Buffer) => {
      said = (said + data.toString('utf8')).slice(-4000);
    });
    const fail = (why: string) =>
      reject(new MissingInput([`${program} ${args.at(-1)}: ${why}`, options.remedy].filter(Boolean).join('\n')));
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? `${program} is not installed` : error.message),
    );
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(output)) : fail(said.trim() || `exit code ${code}`),
    );
  });
}
