import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Makes named pipes that every user of a container may open again through /dev/stdout (mode 0666). */
export async function makeFifos(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
  await run('mkfifo', ['--mode=666', ...paths]);
}
