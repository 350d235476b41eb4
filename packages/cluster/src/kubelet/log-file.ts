import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Bound of one log file; with its predecessor a container run keeps at most twice as much. */
export const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
/** A longer line is written in parts, as the container runtime interface does. */
const LINE_LIMIT_BYTES = 16 * 1024;
const NEWLINE = 10;

type Stream = 'stdout' | 'stderr';

/**
 * The log of one container run. Each line: `<RFC 3339 time with nanoseconds> <stdout|stderr> <F|P> <text>`, P marking a
 * part whose rest follows (the CRI log format). At the bound the file is moved to `<path>.1`, replacing the one there.
 */
export class LogFile {
  readonly path: string;
  private fd: number;
  private size: number;
  private rest: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  private listeners = new Set<() => void>();
  private lastMs = 0;
  private sequence = 0;
  /** True once the run has ended and nothing more will come. */
  closed = false;
  /** Counts rotations, so that a follower knows that its file has moved. */
  rotations = 0;
  /** Bytes that could not be written (disk full). */
  lost = 0;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.fd = openSync(path, 'a', 0o600);
    this.size = statSync(path).size;
  }

  /** Adds raw output; whole lines are written at once, an unfinished one when it ends or grows too long. */
  append(stream: Stream, chunk: Buffer): void {
    if (this.closed) return;
    const pending = this.rest[stream].length > 0 ? Buffer.concat([this.rest[stream], chunk]) : chunk;
    const lines: Buffer[] = [];
    let start = 0;
    for (;;) {
      const end = pending.indexOf(NEWLINE, start);
      const stop = end < 0 ? pending.length : end;
      while (stop - start > LINE_LIMIT_BYTES) {
        lines.push(this.line(stream, 'P', pending.subarray(start, start + LINE_LIMIT_BYTES)));
        start += LINE_LIMIT_BYTES;
      }
      if (end < 0) break;
      lines.push(this.line(stream, 'F', pending.subarray(start, end)));
      start = end + 1;
    }
    // A copy: a view would keep the whole chunk alive.
    this.rest[stream] = Buffer.from(pending.subarray(start));
    this.write(lines);
  }

  /** Writes what is left without a newline and closes the file. */
  close(): void {
    if (this.closed) return;
    const left = (['stdout', 'stderr'] as const).filter((s) => this.rest[s].length > 0);
    this.write(left.map((s) => this.line(s, 'F', this.rest[s])));
    this.closed = true;
    closeSync(this.fd);
    for (const listener of this.listeners) listener();
    this.listeners.clear();
  }

  /** Calls back after each write and at the end. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private line(stream: Stream, tag: 'F' | 'P', text: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${this.timestamp()} ${stream} ${tag} `), text, Buffer.from('\n')]);
  }

  /** The clock gives milliseconds; the digits below number the lines within one, so that times order them. */
  private timestamp(): string {
    const now = Math.max(Date.now(), this.lastMs);
    this.sequence = now === this.lastMs ? this.sequence + 1 : 0;
    this.lastMs = now;
    const iso = new Date(now).toISOString();
    return `${iso.slice(0, -1)}${String(Math.min(this.sequence, 999_999)).padStart(6, '0')}Z`;
  }

  private write(lines: readonly Buffer[]): void {
    if (lines.length === 0) return;
    const data = Buffer.concat(lines);
    try {
      if (this.size > 0 && this.size + data.length > LOG_LIMIT_BYTES) this.rotate();
      writeSync(this.fd, data);
      this.size += data.length;
    } catch {
      this.lost += data.length;
    }
    for (const listener of this.listeners) listener();
  }

  private rotate(): void {
    closeSync(this.fd);
    renameSync(this.path, `${this.path}.1`);
    this.fd = openSync(this.path, 'a', 0o600);
    this.size = 0;
    this.rotations += 1;
  }
}
