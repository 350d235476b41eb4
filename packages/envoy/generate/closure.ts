import { create, type Message } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  type FileOptions,
  FileOptionsSchema,
  type ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';

/** Full name as descriptors write references: without the leading dot. */
const plain = (reference: string): string => reference.replace(/^\./, '');

const qualify = (scope: string, name: string): string => (scope === '' ? name : `${scope}.${name}`);

/** Names of everything a message and the messages nested in it refer to. */
function* references(message: DescriptorProto): Generator<string> {
  for (const field of message.field) if (field.typeName !== '') yield plain(field.typeName);
  for (const nested of message.nestedType) yield* references(nested);
}

/** Names a top-level message declares: its own and those of the types nested in it. */
function* declarations(scope: string, message: DescriptorProto): Generator<string> {
  const name = qualify(scope, message.name);
  yield name;
  for (const nested of message.enumType) yield qualify(name, nested.name);
  for (const nested of message.nestedType) yield* declarations(name, nested);
}

/** A top-level message, enum or service: the unit that is kept or left out. */
interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly refersTo: readonly string[];
}

function indexDeclarations(files: ReadonlyMap<string, FileDescriptorProto>): Map<string, Declaration> {
  const index = new Map<string, Declaration>();
  for (const [path, file] of files) {
    const declare = (name: string, refersTo: readonly string[], names: Iterable<string>): void => {
      const declaration = { file: path, name, refersTo };
      for (const each of names) index.set(each, declaration);
    };
    for (const message of file.messageType) {
      const name = qualify(file.package, message.name);
      declare(name, [...references(message)], declarations(file.package, message));
    }
    for (const { name } of file.enumType) declare(qualify(file.package, name), [], [qualify(file.package, name)]);
    for (const service of file.service) {
      const name = qualify(file.package, service.name);
      declare(
        name,
        service.method.flatMap((method) => [plain(method.inputType), plain(method.outputType)]),
        [name],
      );
    }
  }
  return index;
}

interface HasOptions {
  options?: { $unknown?: Message['$unknown'] } | undefined;
}

/**
 * Drops options whose values are extensions (validation rules, annotations): they would need the files that declare
 * them. The options that descriptors define themselves stay.
 */
function dropExtensions<T extends HasOptions>(declaration: T): T {
  if (declaration.options !== undefined) delete declaration.options.$unknown;
  return declaration;
}

/** A field's name in JSON, as protoc derives it; it leaves it out of the descriptors it embeds in Python. */
export function jsonName(name: string): string {
  return name.replaceAll(/_+([a-z0-9]?)/gi, (_, next: string) => next.toUpperCase());
}

function prepareEnum(declared: EnumDescriptorProto): EnumDescriptorProto {
  declared.value.forEach(dropExtensions);
  return dropExtensions(declared);
}

function prepareService(service: ServiceDescriptorProto): ServiceDescriptorProto {
  service.method.forEach(dropExtensions);
  return dropExtensions(service);
}

function prepare(message: DescriptorProto): DescriptorProto {
  for (const field of message.field) {
    dropExtensions(field);
    if (field.jsonName === '') field.jsonName = jsonName(field.name);
  }
  message.oneofDecl.forEach(dropExtensions);
  message.nestedType.forEach(prepare);
  message.enumType.forEach(prepareEnum);
  message.extension = [];
  return dropExtensions(message);
}

const fileOptions = (options: FileOptions | undefined): FileOptions =>
  create(FileOptionsSchema, { deprecated: options?.deprecated ?? false });

/**
 * The files that declare the wanted types and all they refer to, each reduced to what is needed, in an order in which
 * every file follows those it imports. Throws when a wanted type or one referred to is nowhere declared.
 */
export function closure(
  files: ReadonlyMap<string, FileDescriptorProto>,
  wanted: readonly string[],
): readonly FileDescriptorProto[] {
  const index = indexDeclarations(files);
  const kept = new Set<Declaration>();
  const keep = (name: string, by: string): void => {
    const declaration = index.get(name);
    if (declaration === undefined) throw new Error(`${name}, wanted by ${by}, is in none of the descriptors`);
    if (kept.has(declaration)) return;
    kept.add(declaration);
    for (const each of declaration.refersTo) keep(each, declaration.name);
  };
  for (const name of wanted) keep(name, 'the list of wanted types');

  const names = new Set([...kept].map(({ name }) => name));
  const imports = new Map<string, Set<string>>();
  for (const { file, refersTo } of kept) {
    const list = imports.get(file) ?? new Set();
    imports.set(file, list);
    for (const each of refersTo) {
      const target = index.get(each)?.file;
      if (target !== undefined && target !== file) list.add(target);
    }
  }

  const ordered: FileDescriptorProto[] = [];
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const dependency = [...(imports.get(path) ?? [])].sort();
    dependency.forEach(visit);
    const file = files.get(path)!;
    const isKept = ({ name }: { name: string }): boolean => names.has(qualify(file.package, name));
    ordered.push(
      create(FileDescriptorProtoSchema, {
        name: file.name,
        package: file.package,
        syntax: file.syntax,
        edition: file.edition,
        options: fileOptions(file.options),
        dependency,
        messageType: file.messageType.filter(isKept).map(prepare),
        enumType: file.enumType.filter(isKept).map(prepareEnum),
        service: file.service.filter(isKept).map(prepareService),
      }),
    );
  };
  [...imports.keys()].sort().forEach(visit);
  return ordered;
}
