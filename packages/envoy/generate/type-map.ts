import { createFileRegistry, toBinary } from '@bufbuild/protobuf';
import type { FileDescriptorSet } from '@bufbuild/protobuf/wkt';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** A file to write: path below the output folder, and content. */
export interface OutputFile {
  readonly name: string;
  readonly content: string;
}

/** Name of the generated JSON type of a message: `a.v3.Outer.Inner` is `Outer_InnerJson` (protoc-gen-es). */
function jsonTypeName(packageName: string, typeName: string): string {
  return `${typeName.slice(packageName === '' ? 0 : packageName.length + 1).replaceAll('.', '_')}Json`;
}

/** `json-types.d.ts`: from full message name to the type of its JSON form. */
export function typeMap(set: FileDescriptorSet): OutputFile {
  const entries: string[] = [];
  for (const file of createFileRegistry(set).files) {
    const module = file.name.startsWith('google/protobuf/') ? '@bufbuild/protobuf/wkt' : `./${file.name}_pb.js`;
    for (const message of file.messages) {
      const type = jsonTypeName(file.proto.package, message.typeName);
      entries.push(`  '${message.typeName}': import('${module}').${type};`);
    }
  }
  const content = `export interface JsonTypes {\n${entries.sort().join('\n')}\n}\n`;
  return { name: 'json-types.d.ts', content };
}

/**
 * `descriptors.js`: all descriptors in one string. Loading them together costs a fraction of loading a module for
 * each file, and a string in a module needs no file access when the program is bundled.
 */
export function descriptorModule(set: FileDescriptorSet): readonly OutputFile[] {
  const base64 = Buffer.from(toBinary(FileDescriptorSetSchema, set)).toString('base64');
  return [
    { name: 'descriptors.js', content: `export const DESCRIPTORS = '${base64}';\n` },
    {
      name: 'descriptors.d.ts',
      content: '/** A google.protobuf.FileDescriptorSet in base64. */\nexport declare const DESCRIPTORS: string;\n',
    },
  ];
}
