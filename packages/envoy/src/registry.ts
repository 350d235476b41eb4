import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { DESCRIPTORS } from '../gen/descriptors.js';

/** What type URLs of Envoy's and protobuf's own types start with. */
export const TYPE_PREFIX = 'type.googleapis.com/';

let registry: FileRegistry | undefined;

/** The descriptors of all generated types. Built at the first call, so that merely importing costs little. */
export function descriptorRegistry(): FileRegistry {
  registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, base64Decode(DESCRIPTORS)));
  return registry;
}

/** The full message name in a type URL: what follows its last slash (google/protobuf/any.proto). */
export function typeName(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

/** The descriptor of a message by type URL or full name; undefined when it was not generated. */
export function findMessage(typeUrlOrName: string): DescMessage | undefined {
  return descriptorRegistry().getMessage(typeName(typeUrlOrName));
}
