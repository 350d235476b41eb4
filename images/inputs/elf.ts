import type { Architecture } from '../oci/image.ts';

/** What an ELF file tells of how it is started. */
export interface ElfFacts {
  readonly machine: Architecture | 'other';
  /** Path of the dynamic loader; undefined for libraries and static programs. */
  readonly interpreter: string | undefined;
  /** Names of the libraries that must be found. */
  readonly needed: readonly string[];
}

// Numbers of the System V ABI, edition 4.1, chapters 4 and 5.
const MACHINES: Readonly<Record<number, Architecture>> = { 62: 'amd64', 183: 'arm64' };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Whether this is a 64-bit little-endian ELF file. */
export const isElf = (bytes: Buffer): boolean =>
  bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;

function segments(bytes: Buffer): readonly Segment[] {
  const at = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const start = at + index * size;
    return {
      type: bytes.readUInt32LE(start),
      offset: Number(bytes.readBigUInt64LE(start + 8)),
      address: Number(bytes.readBigUInt64LE(start + 16)),
      size: Number(bytes.readBigUInt64LE(start + 32)),
    };
  });
}

const textAt = (bytes: Buffer, from: number): string => bytes.toString('latin1', from, bytes.indexOf(0, from));

/** Reads the facts of an ELF file; undefined for anything else. */
export function readElf(bytes: Buffer): ElfFacts | undefined {
  if (!isElf(bytes)) return undefined;
  const all = segments(bytes);
  const interpreter = all.find((segment) => segment.type === PT_INTERP);
  const dynamic = all.find((segment) => segment.type === PT_DYNAMIC);
  const entries: (readonly [tag: number, value: number])[] = [];
  for (let at = dynamic?.offset ?? 0; dynamic !== undefined && at < dynamic.offset + dynamic.size; at += 16)
    entries.push([Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8) & 0xffff_ffff_ffffn)]);
  const strings = entries.find(([tag]) => tag === DT_STRTAB)?.[1];
  const home = all.find(
    ({ type, address, size }) =>
      type === PT_LOAD && strings !== undefined && strings >= address && strings < address + size,
  );
  const table = home === undefined || strings === undefined ? undefined : strings - home.address + home.offset;
  const length = entries.find(([tag]) => tag === DT_STRSZ)?.[1] ?? 0;
  return {
    machine: MACHINES[bytes.readUInt16LE(18)] ?? 'other',
    interpreter: interpreter === undefined ? undefined : textAt(bytes, interpreter.offset),
    needed: entries
      .filter(([tag, value]) => tag === DT_NEEDED && table !== undefined && value < length)
      .map(([, value]) => textAt(bytes, (table ?? 0) + value)),
  };
}

/**
 * A program without its symbol table and debugging sections. The loader reads segments only, so everything behind the last of them, and
 * the section headers, may go: for Node.js that is a quarter of the file. Works for every architecture alike, without binutils.
 */
export function withoutSymbols(bytes: Buffer): Buffer {
  if (!isElf(bytes)) throw new Error('not a 64-bit little-endian ELF file');
  const headers = Number(bytes.readBigUInt64LE(32)) + bytes.readUInt16LE(54) * bytes.readUInt16LE(56);
  const end = Math.max(headers, ...segments(bytes).map(({ offset, size }) => offset + size));
  const slim = Buffer.from(bytes.subarray(0, end));
  slim.writeBigUInt64LE(0n, 40);
  slim.writeUInt16LE(0, 60);
  slim.writeUInt16LE(0, 62);
  return slim;
}
