import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import { readSerializedFile } from './python-bytes.ts';

const WELL_KNOWN = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

/** Paths of all `*_pb2.py` modules below a folder, sorted, relative to it. */
export function listModules(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('_pb2.py'))
    .sort();
}

/** Descriptors by file name (`envoy/config/…/x.proto`): those of the modules and protobuf's well-known types. */
export function readDescriptors(folder: string): ReadonlyMap<string, FileDescriptorProto> {
  const files = new Map(WELL_KNOWN.map((file) => [file.proto.name, file.proto]));
  for (const path of listModules(folder)) {
    const bytes = readSerializedFile(readFileSync(join(folder, path), 'latin1'));
    if (bytes === undefined) continue;
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    files.set(file.name, file);
  }
  return files;
}
