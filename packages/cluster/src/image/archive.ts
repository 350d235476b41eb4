import { type FileHandle, open } from 'node:fs/promises';
import { posix } from 'node:path';

/** Where the content of one file of a tar archive lies. */
export interface ArchiveEntry {
  readonly offset: number;
  readonly size: number;
}

/** An uncompressed tar archive whose files can be read in any order. */
export interface Archive {
  readonly path: string;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;
}

/** The file is not a tar archive that can be read. */
export class InvalidArchive extends Error {
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.name = 'InvalidArchive';
  }
}

const BLOCK = 512;
const MAX_ENTRIES = 20_000;
const MAX_LINK_DEPTH = 10;
const MAX_EXTENSION_BYTES = 1 << 20;

/**
 * Reads the table of contents of an image archive (POSIX.1-2001 ustar and pax, GNU long names), following the links that
 * `docker save` makes between equal layers. Names are as in the archive, without `./`. Rejects with {@link InvalidArchive}.
 */
export async function readArchive(path: string): Promise<Archive> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const entries = new Map<string, ArchiveEntry>();
    const links = new Map<string, string>();
    let offset = 0;
    let extension: { name?: string; size?: number } = {};
    while (offset + BLOCK <= size) {
      const header = await readAt(file, offset, BLOCK);
      if (header.every((byte) => byte === 0)) break;
      if (!checksumHolds(header)) throw new InvalidArchive(path, 'not a tar archive (or a damaged one)');
      const length = extension.size ?? numberAt(header, 124, 12);
      const start = offset + BLOCK;
      if (!Number.isSafeInteger(length) || length < 0 || start + length > size)
        throw new InvalidArchive(path, 'the archive is cut short');
      offset = start + Math.ceil(length / BLOCK) * BLOCK;
      const type = String.fromCharCode(header[156] ?? 0);
      if (type === 'x' || type === 'L') {
        if (length > MAX_EXTENSION_BYTES) throw new InvalidArchive(path, 'a header is too long');
        const body = await readAt(file, start, length);
        extension = type === 'L' ? { ...extension, name: textOf(body) } : { ...extension, ...paxOf(body) };
        continue;
      }
      const name = posix.normalize(extension.name ?? nameOf(header)).replace(/^\/+/, '');
      extension = {};
      if (type === '0' || type === '\0') entries.set(name, { offset: start, size: length });
      if (type === '1' || type === '2') {
        const target = textOf(header.subarray(157, 257));
        links.set(name, type === '1' ? posix.normalize(target) : posix.join(posix.dirname(name), target));
      }
      if (entries.size + links.size > MAX_ENTRIES)
        throw new InvalidArchive(path, `more than ${MAX_ENTRIES} files: not an image archive`);
    }
    for (const name of links.keys()) {
      let target: string | undefined = name;
      for (let depth = 0; depth < MAX_LINK_DEPTH && target !== undefined && !entries.has(target); depth += 1)
        target = links.get(target);
      const entry = target === undefined ? undefined : entries.get(target);
      if (entry) entries.set(name, entry);
    }
    return { path, entries };
  } finally {
    await file.close();
  }
}

/** The bytes of one file of the archive. Rejects with {@link InvalidArchive} when it is absent or longer than `maxBytes`. */
export async function readEntry(archive: Archive, name: string, maxBytes: number): Promise<Buffer> {
  const entry = archive.entries.get(posix.normalize(name));
  if (!entry) throw new InvalidArchive(archive.path, `the archive does not hold ${name}`);
  if (entry.size > maxBytes) throw new InvalidArchive(archive.path, `${name} is longer than ${maxBytes} bytes`);
  const file = await open(archive.path, 'r');
  try {
    return await readAt(file, entry.offset, entry.size);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** The header's own checksum, counted with its field as blanks. */
function checksumHolds(header: Buffer): boolean {
  let sum = 0;
  for (const [index, byte] of header.entries()) sum += index >= 148 && index < 156 ? 32 : byte;
  return header.length === BLOCK && sum === numberAt(header, 148, 8);
}

function nameOf(header: Buffer): string {
  const prefix = textOf(header.subarray(257, 262)) === 'ustar' ? textOf(header.subarray(345, 500)) : '';
  const name = textOf(header.subarray(0, 100));
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal, or base 256 when the first bit is set (GNU). */
function numberAt(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  const text = textOf(field).trim();
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** Pax records: `length key=value\n`. */
function paxOf(body: Buffer): { name?: string; size?: number } {
  const found: { name?: string; size?: number } = {};
  let at = 0;
  while (at < body.length) {
    const blank = body.indexOf(32, at);
    const length = Number(body.toString('utf8', at, blank));
    if (blank < 0 || !Number.isInteger(length) || length <= 0) break;
    const [key = '', ...value] = body.toString('utf8', blank + 1, at + length - 1).split('=');
    if (key === 'path') found.name = value.join('=');
    if (key === 'size') found.size = Number(value.join('='));
    at += length;
  }
  return found;
}
