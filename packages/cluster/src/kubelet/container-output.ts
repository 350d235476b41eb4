import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Receives output as it comes. */
export type OutputSink = (stream: 'stdout' | 'stderr', chunk: Buffer) => void;

/**
 * Output goes through named pipes rather than the socket pairs that Node would make, because applications open
 * /dev/stdout by name and a socket cannot be opened.
 */
export async function openOutput(scratch: string, output: OutputSink) {
  const paths = [`${scratch}/stdout`, `${scratch}/stderr`];
  await makeFifos(paths);
  const readers = paths.map(
    (path) =>
      new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false }),
  );
  const writeEnds = paths.map((path) => openSync(path, constants.O_WRONLY));
  const taps: ((chunk: Buffer) => void)[] = [];
  const drained = readers.map(
    (reader, index) =>
      new Promise<void>((resolve) => {
        const stream = index === 0 ? 'stdout' : 'stderr';
        reader.on('data', (chunk: Buffer) => {
          if (stream === 'stderr') for (const tap of taps) tap(chunk);
          output(stream, chunk);
        });
        reader.once('close', () => resolve());
        reader.on('error', () => resolve());
      }),
  );
  return {
    writeEnds,
    closeWriteEnds: () => {
      for (const fd of writeEnds) closeSync(fd);
    },
    /** Sees stderr too, to name the reason of a failed start. */
    tap: (listener: (chunk: Buffer) => void) => taps.push(listener),
    drained: Promise.all(drained),
    close: () => {
      for (const reader of readers) reader.destroy();
    },
  };
}

/** Named pipes that every user of a container may open again (mode 0666). */
async function makeFifos(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
  await run('mkfifo', ['--mode=666', ...paths]);
}
