import { spawn } from 'node:child_process';
import { ROOT, SetupError } from './project.mjs';

const KEPT_OUTPUT = 64 * 1024;

/**
 * Runs a program quietly. Resolves with its standard output; rejects with a SetupError that ends with what the program said last.
 */
export function run(command, args, { env = {}, remedy = '', cwd = ROOT } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let said = '';
    child.stdout.on('data', (data) => {
      output = (output + data).slice(-KEPT_OUTPUT);
    });
    child.stderr.on('data', (data) => {
      said = (said + data).slice(-KEPT_OUTPUT);
    });
    const fail = (why) =>
      reject(new SetupError([`${command} ${args.join(' ')}: ${why}`, remedy].filter(Boolean).join('\n')));
    child.on('error', (error) => fail(error.code === 'ENOENT' ? `${command} is not installed` : error.message));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else fail(`${signal ?? `exit code ${code}`}\n${(said || output).trimEnd().split('\n').slice(-20).join('\n')}`);
    });
  });
}
