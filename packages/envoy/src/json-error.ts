import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { descriptorRegistry, findMessage, typeName } from './registry.ts';

/** Where in a message's JSON a mistake is, and what it is. Reasons show no text of the message: it may be a key. */
export interface JsonMistake {
  readonly path: string;
  readonly reason: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (json: unknown): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

function kindOf(json: unknown): string {
  if (json === null) return 'null';
  return Array.isArray(json) ? 'a list' : typeof json;
}

const member = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
const expected = (path: string, what: string, json: unknown): JsonMistake => ({
  path,
  reason: `expected ${what}, got ${kindOf(json)}`,
});

/** Whether the library takes the JSON for that message. */
function isReadable(schema: DescMessage, json: unknown): boolean {
  try {
    fromJson(schema, json as JsonValue, { registry: descriptorRegistry() });
    return true;
  } catch {
    return false;
  }
}

/** Messages whose JSON is not an object of their fields (protobuf.dev, "ProtoJSON format"). */
const OWN_FORM = new Set(
  ['Timestamp', 'Duration', 'FieldMask', 'Struct', 'Value', 'ListValue']
    .concat(
      ['Bool', 'Bytes', 'Double', 'Float', 'Int32', 'Int64', 'String', 'UInt32', 'UInt64'].map((t) => `${t}Value`),
    )
    .map((name) => `google.protobuf.${name}`),
);

function findInAny(json: unknown, path: string): JsonMistake | undefined {
  if (!isObject(json)) return expected(path, 'an object with "@type"', json);
  const { '@type': type, ...rest } = json;
  if (type === undefined && Object.keys(rest).length === 0) return undefined;
  if (typeof type !== 'string') return { path, reason: '"@type" is missing' };
  const schema = findMessage(type);
  if (schema === undefined) return { path: member(path, '@type'), reason: `${typeName(type)} is not a generated type` };
  return schema.typeName === 'google.protobuf.Any' || OWN_FORM.has(schema.typeName)
    ? find(schema, rest.value, member(path, 'value'))
    : find(schema, rest, path);
}

function findInField(field: DescField, json: unknown, path: string, owner: DescMessage): JsonMistake | undefined {
  if (json === null) return undefined;
  const at = member(path, field.jsonName);
  switch (field.fieldKind) {
    case 'message':
      return find(field.message, json, at);
    case 'list': {
      if (!Array.isArray(json)) return expected(at, 'a list', json);
      for (const [index, item] of json.entries()) {
        const found = field.listKind === 'message' ? find(field.message, item, `${at}[${index}]`) : undefined;
        if (found !== undefined) return found;
        if (!isReadable(owner, { [field.name]: [item] })) return badValue(field, item, `${at}[${index}]`);
      }
      return undefined;
    }
    case 'map': {
      if (!isObject(json)) return expected(at, 'an object', json);
      for (const [key, value] of Object.entries(json)) {
        const entry = `${at}[${JSON.stringify(key)}]`;
        const found = field.mapKind === 'message' ? find(field.message, value, entry) : undefined;
        if (found !== undefined) return found;
        if (!isReadable(owner, { [field.name]: { [key]: value } })) return badValue(field, value, entry);
      }
      return undefined;
    }
    default:
      return isReadable(owner, { [field.name]: json }) ? undefined : badValue(field, json, at);
  }
}

function badValue(field: DescField, json: unknown, path: string): JsonMistake {
  const type = field.enum !== undefined ? field.enum.typeName : ScalarType[field.scalar ?? 0]?.toLowerCase();
  // Names of enum values are no secrets, and a misspelt one is found at once when it is shown.
  const shown = field.enum !== undefined && typeof json === 'string' ? JSON.stringify(json) : kindOf(json);
  return { path, reason: `not a valid ${type ?? field.message?.typeName}: ${shown}` };
}

function find(schema: DescMessage, json: unknown, path: string): JsonMistake | undefined {
  if (schema.typeName === 'google.protobuf.Any') return findInAny(json, path);
  if (OWN_FORM.has(schema.typeName)) {
    return isReadable(schema, json) ? undefined : { path, reason: `not a valid ${schema.typeName}: ${kindOf(json)}` };
  }
  if (!isObject(json)) return expected(path, 'an object', json);
  const oneofs = new Map<string, string>();
  const seen = new Set<string>();
  for (const [key, value] of Object.entries(json)) {
    if (value === undefined) continue;
    const field = schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) return { path: member(path, key), reason: `${schema.typeName} has no such field` };
    if (seen.has(field.name)) return { path: member(path, key), reason: 'the field is set twice' };
    seen.add(field.name);
    if (field.oneof !== undefined && value !== null) {
      const other = oneofs.get(field.oneof.name);
      if (other !== undefined) return { path: member(path, key), reason: `cannot be set beside ${other}` };
      oneofs.set(field.oneof.name, key);
    }
    const found = findInField(field, value, path, schema);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Looks for the first mistake in JSON that could not be encoded; the library's error alone names the field's message
 * but not which of many it was. Costs far more than encoding, so only to be called after a failure.
 */
export function locateJsonError(schema: DescMessage, json: unknown, error: unknown): JsonMistake {
  // What is too deep to be read is too deep to be searched.
  if (error instanceof RangeError || /recursion depth/.test(String(error)))
    return { path: '', reason: 'nested too deeply' };
  return find(schema, json, '') ?? { path: '', reason: 'cannot be encoded' };
}
