import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/**
 * A log file that never grows without end: above `maxBytes` it becomes `<path>.1`, replacing the one before. A full disk
 * loses lines, never the daemon.
 */
export class BoundedLog {
  private readonly path: string;
  private readonly maxBytes: number;
  private descriptor: number;
  private bytes: number;

  constructor(path: string, maxBytes: number) {
    this.path = path;
    this.maxBytes = maxBytes;
    this.descriptor = openSync(path, 'a', 0o600);
    this.bytes = fstatSync(this.descriptor).size;
  }

  /** Writes one line at once. */
  write(line: string): void {
    try {
      if (this.bytes > this.maxBytes) this.turnOver();
      this.bytes += writeSync(this.descriptor, line);
    } catch {
      // No room for the line.
    }
  }

  private turnOver(): void {
    renameSync(this.path, `${this.path}.1`);
    closeSync(this.descriptor);
    this.descriptor = openSync(this.path, 'a', 0o600);
    this.bytes = 0;
  }
}
