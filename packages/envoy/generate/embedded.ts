import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** Fields of google.protobuf.FileDescriptorProto that are varints (google/protobuf/descriptor.proto); the others that
 * protoc embeds are length-delimited. */
const VARINT_FIELDS = new Set([10, 11, 14]);
const LENGTH_FIELDS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 12]);
const WIRE_VARINT = 0;
const WIRE_LENGTH = 2;
/** A file name's length takes one byte of varint. */
const MAX_NAME = 127;
const NAME_END = Buffer.from('.proto');
const NAME = /^[A-Za-z0-9_./-]+\.proto$/;
/** Tags of `name` and `package`, the first two fields. */
const NAME_TAG = 0x0a;
const PACKAGE_TAG = 0x12;

function readVarint(bytes: Uint8Array, start: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: start + index + 1 };
  }
  return undefined;
}

/** Where a serialized file descriptor ends: protoc writes its fields in ascending order, and nothing may follow. */
function findEnd(bytes: Uint8Array, start: number): number {
  let last = 0;
  let at = start;
  for (;;) {
    const tag = bytes[at] ?? 0;
    const field = tag >> 3;
    const isVarint = (tag & 7) === WIRE_VARINT && VARINT_FIELDS.has(field);
    const isLength = (tag & 7) === WIRE_LENGTH && LENGTH_FIELDS.has(field);
    const number = readVarint(bytes, at + 1);
    // The name stands once, so another one begins the next descriptor.
    if (!(isVarint || isLength) || field < last || (field === 1 && last === 1) || number === undefined) return at;
    const next = number.next + (isLength ? number.value : 0);
    if (next > bytes.length) return at;
    last = field;
    at = next;
  }
}

function startOf(bytes: Buffer, nameEnd: number): number | undefined {
  if (bytes[nameEnd] !== PACKAGE_TAG) return undefined;
  for (let length = NAME_END.length + 1; length <= MAX_NAME; length++) {
    const start = nameEnd - length - 2;
    if (start < 0 || bytes[start] !== NAME_TAG || bytes[start + 1] !== length) continue;
    if (NAME.test(bytes.toString('latin1', start + 2, nameEnd))) return start;
  }
  return undefined;
}

/**
 * The file descriptors that a program built with protobuf for C++ carries for reflection: every generated source has
 * its descriptor in serialized form, as data. By it Envoy itself knows its API. By file name; what is no descriptor
 * after all is left out, and so are files that do not name their syntax (proto2): as one of the last fields it shows
 * that the descriptor was read to its end.
 */
export function readEmbeddedDescriptors(program: Buffer): ReadonlyMap<string, FileDescriptorProto> {
  const files = new Map<string, FileDescriptorProto>();
  for (let at = program.indexOf(NAME_END); at !== -1; at = program.indexOf(NAME_END, at + 1)) {
    const start = startOf(program, at + NAME_END.length);
    if (start === undefined) continue;
    try {
      const file = fromBinary(FileDescriptorProtoSchema, program.subarray(start, findEnd(program, start)));
      if (file.syntax !== '') files.set(file.name, file);
    } catch {
      // Bytes that only begin like a descriptor.
    }
  }
  return files;
}
