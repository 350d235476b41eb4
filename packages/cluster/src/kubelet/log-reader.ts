import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { LogFile } from './log-file.ts';
import { LogFormat, type LogQuery, lastLines } from './log-query.ts';

const CHUNK_BYTES = 256 * 1024;

/** Attempts of a container whose logs are still there, newest first. */
export function logAttempts(directory: string): readonly number[] {
  try {
    return readdirSync(directory)
      .map((name) => /^(\d+)\.log$/.exec(name)?.[1])
      .filter((number) => number !== undefined)
      .map(Number)
      .sort((a, b) => b - a);
  } catch {
    return [];
  }
}

/** Removes the logs of all runs before the one before `attempt`. */
export async function removeOldLogs(directory: string, attempt: number): Promise<void> {
  const old = logAttempts(directory).filter((number) => number < attempt - 1);
  await Promise.all(
    old.flatMap((number) => ['', '.1'].map((end) => rm(join(directory, `${number}.log${end}`), { force: true }))),
  );
}

/**
 * Writes a log to `output` in the form asked for and ends it. With follow it goes on until the run's `live` log is closed or
 * the reader goes away (`signal`); it never runs ahead of a slow reader.
 */
export async function streamLog(
  path: string,
  query: LogQuery,
  live: LogFile | undefined,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const format = new LogFormat(query);
  const follow = query.follow && live !== undefined;
  let rotations = live?.rotations ?? 0;
  let fd = openSync(path, 'r');
  try {
    const older = readIfThere(`${path}.1`);
    const present = readFrom(fd, 0);
    let offset = present.length;
    const stored = Buffer.concat([older, present]);
    await write(
      output,
      format.format(query.tailLines === undefined ? stored : lastLines(stored, query.tailLines)),
      signal,
    );
    while (follow && live && !format.exhausted && !signal.aborted) {
      const news = readFrom(fd, offset);
      offset += news.length;
      if (news.length > 0) {
        await write(output, format.format(news), signal);
      } else if (live.rotations !== rotations) {
        rotations = live.rotations;
        closeSync(fd);
        fd = openSync(path, 'r');
        offset = 0;
      } else if (live.closed) {
        break;
      } else {
        await change(live, signal);
      }
    }
  } finally {
    closeSync(fd);
    output.end();
  }
}

/** Whole lines from `offset` on; the writer only ever adds whole lines. */
function readFrom(fd: number, offset: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = offset; ; ) {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    const count = readSync(fd, buffer, 0, CHUNK_BYTES, at);
    if (count === 0) return Buffer.concat(parts);
    parts.push(buffer.subarray(0, count));
    at += count;
  }
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

async function write(output: Writable, data: Buffer, signal: AbortSignal): Promise<void> {
  if (data.length === 0 || signal.aborted || output.write(data)) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      output.off('drain', end);
      output.off('close', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    output.once('drain', end);
    output.once('close', end);
    signal.addEventListener('abort', end);
  });
}

function change(live: LogFile, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      unsubscribe();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const unsubscribe = live.subscribe(end);
    signal.addEventListener('abort', end);
  });
}
