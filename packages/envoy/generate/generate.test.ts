import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, createFileRegistry, toBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { closure, jsonName } from './closure.ts';
import { readEmbeddedDescriptors } from './embedded.ts';
import { freezeJsonTypes } from './frozen.ts';
import { readBytesLiteral, readSerializedFile } from './python-bytes.ts';
import { typeMap } from './type-map.ts';

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

test('a Python bytes literal is read with all its escapes', () => {
  const literal = String.raw`'a\n\t\"\'\\\x00\xfF\0\12\1234"'`;
  assert.equal(latin1(readBytesLiteral(literal, 0)), 'a\n\t"\'\\\x00\xff\x00\nS4"');
  assert.equal(latin1(readBytesLiteral(`b"it's" + x`, 1)), "it's");
});

for (const literal of ["'open", "'line\n'", String.raw`'\x1'`, String.raw`'\q'`, String.raw`'\777'`, "'ä'", 'x']) {
  test(`${JSON.stringify(literal)} is no Python bytes literal`, () => {
    assert.throws(() => readBytesLiteral(literal, 0), /literal/);
  });
}

test('a module that registers no descriptor has none', () => {
  assert.equal(readSerializedFile('import os\n'), undefined);
  assert.equal(latin1(readSerializedFile("D = pool.AddSerializedFile(b'\\n\\x01')\n") ?? new Uint8Array()), '\n\x01');
});

test('JSON names are those of protoc', () => {
  const names = { lb_policy: 'lbPolicy', consecutive_5xx: 'consecutive5xx', '5xx_a__b_': '5xxAB', H2: 'H2' };
  for (const [name, expected] of Object.entries(names)) assert.equal(jsonName(name), expected);
});

const message = (name: string, refersTo: readonly string[] = []): DescriptorProto =>
  create(DescriptorProtoSchema, {
    name,
    field: refersTo.map((typeName, index) => ({
      name: `field_${index}`,
      number: index + 1,
      label: FieldDescriptorProto_Label.OPTIONAL,
      type: FieldDescriptorProto_Type.MESSAGE,
      typeName,
    })),
  });

const file = (name: string, messageType: DescriptorProto[], dependency: string[] = []): FileDescriptorProto =>
  create(FileDescriptorProtoSchema, {
    name,
    package: name.replace('.proto', ''),
    syntax: 'proto3',
    messageType,
    dependency,
  });

const files = (): ReadonlyMap<string, FileDescriptorProto> => {
  const unused = file('unused.proto', [message('Never')]);
  const leaf = file('leaf.proto', [message('Leaf'), message('Other', ['.unused.Never'])], ['unused.proto']);
  const root = file('root.proto', [message('Root', ['.leaf.Leaf', '.root.Root'])], ['leaf.proto', 'unused.proto']);
  return new Map([root, leaf, unused].map((each) => [each.name, each]));
};

test('only what is wanted and what it refers to is kept, imports first', () => {
  const kept = closure(files(), ['root.Root']);
  assert.deepEqual(
    kept.map(({ name }) => name),
    ['leaf.proto', 'root.proto'],
  );
  assert.deepEqual(
    kept.map(({ dependency }) => dependency),
    [[], ['leaf.proto']],
  );
  assert.deepEqual(
    kept.flatMap(({ messageType }) => messageType.map(({ name }) => name)),
    ['Leaf', 'Root'],
  );
  const set = create(FileDescriptorSetSchema, { file: [...kept] });
  assert.equal(createFileRegistry(set).getMessage('root.Root')?.fields[0]?.jsonName, 'field0');
  assert.match(typeMap(set).content, /'root\.Root': import\('\.\/root_pb\.js'\)\.RootJson;/);
});

test('what is wanted must exist', () => {
  assert.throws(() => closure(files(), ['root.Toor']), /root\.Toor, wanted by the list of wanted types/);
});

test('validation rules and annotations are dropped, what descriptors define stays', () => {
  const root = files().get('root.proto')!;
  const field = root.messageType[0]!.field[0]!;
  const options = { $typeName: 'google.protobuf.FieldOptions', deprecated: true } as NonNullable<typeof field.options>;
  field.options = { ...options, $unknown: [{ no: 1071, wireType: 2, data: new Uint8Array([1, 0]) }] };
  const kept = closure(new Map([...files(), ['root.proto', root]]), ['root.Root']).at(-1)?.messageType[0]?.field[0];
  assert.equal(kept?.options?.$unknown, undefined);
  assert.equal(kept?.options?.deprecated, true);
});

test('descriptors are found among the bytes of a program', () => {
  const [leaf, root] = [files().get('leaf.proto')!, files().get('root.proto')!];
  const bytes = (each: FileDescriptorProto): Uint8Array => toBinary(FileDescriptorProtoSchema, each);
  const noise = Buffer.from('\x00\x0a\x05x.proto usage: put a name.proto here\x0a\x07a.proto\x12\xff\xff\xff\xff\x7f');
  // Back to back, padded, and with other data around.
  const program = Buffer.concat([noise, bytes(leaf), bytes(root), new Uint8Array(8), noise]);
  assert.deepEqual(
    [...readEmbeddedDescriptors(program)],
    [
      ['leaf.proto', leaf],
      ['root.proto', root],
    ],
  );
});

test('JSON types are read-only, message types are left alone', () => {
  const given = [
    'export declare type A = {',
    '  names: string[];',
    '};',
    'export declare type AJson = {',
    '  names?: string[];',
    '  byName?: { [key: string]: BJson };',
    '};',
  ];
  const frozen = [
    ...given.slice(0, 4),
    '  readonly names?: readonly string[];',
    '  readonly byName?: { readonly [key: string]: BJson };',
    '};',
  ];
  assert.equal(freezeJsonTypes(given.join('\n')), frozen.join('\n'));
});
