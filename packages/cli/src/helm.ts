import { spawn } from 'node:child_process';
import { CliError } from './cli-error.ts';
import { findProgram } from './project-paths.ts';

/**
 * Runs Helm, the one on PATH or the one that set-up unpacked, and resolves with its standard output. Rejects with CliError, which
 * carries what Helm said.
 */
export function helm(args: readonly string[], say: ((text: string) => void) | undefined): Promise<string> {
  const program = findProgram('helm');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data;
      say?.(String(data));
    });
    child.stderr.on('data', (data: Buffer) => {
      complaint += data;
      say?.(String(data));
    });
    child.once('error', (error) => reject(new CliError(`cannot run ${program}: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(
          new CliError(
            `helm ${args[0]} failed: ${complaint.trim().replace(/^Error: /, '') || (signal ? `ended by ${signal}` : `exit code ${code}`)}`,
          ),
        );
    });
  });
}
