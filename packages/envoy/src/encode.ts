import { createHash } from 'node:crypto';
import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { locateJsonError } from './json-error.ts';
import { descriptorRegistry, findMessage, typeName } from './registry.ts';
import type { EncodedResource, Resource } from './types.ts';

/** Hexadecimal digits of a version: 64 bits keep two contents of one resource apart, and logs readable. */
const VERSION_LENGTH = 16;

/** A message that is not what its type says: `path` is where in the JSON, such as `filterChains[0].filters[1].nmae`. */
export class EncodeError extends Error {
  readonly typeName: string;
  readonly resource: string;
  readonly path: string;

  constructor(type: string, resource: string, path: string, reason: string) {
    super(`${type} ${JSON.stringify(resource)}: ${path === '' ? '' : `${path}: `}${reason}`);
    this.name = 'EncodeError';
    this.typeName = type;
    this.resource = resource;
    this.path = path;
  }
}

/** Levels of objects and lists that are read at most; the deepest real listeners have about forty. */
const MAX_DEPTH = 300;

/**
 * The same JSON with the keys of every object in code point order. Protobuf keeps no order in maps, and writes them in
 * that of insertion: without this, equal resources could have different bytes.
 */
function sortKeys(json: unknown, depth: number): JsonValue {
  if (typeof json !== 'object' || json === null) return json as JsonValue;
  if (depth > MAX_DEPTH) throw new RangeError(`JSON is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(json)) return json.map((item) => sortKeys(item, depth + 1));
  const object = json as Readonly<Record<string, unknown>>;
  const entries: [string, JsonValue][] = [];
  for (const key of Object.keys(object).sort()) {
    // A property that is there but undefined is absent, as it is for JSON.stringify.
    if (object[key] !== undefined) entries.push([key, sortKeys(object[key], depth + 1)]);
  }
  return Object.fromEntries(entries);
}

function schemaOf(type: string, resource: string): DescMessage {
  const schema = findMessage(type);
  if (schema === undefined) throw new EncodeError(typeName(type), resource, '', 'the type is not generated');
  return schema;
}

/**
 * The bytes of a message given as JSON, equal for equal content. `resource` only names it in errors. Throws
 * {@link EncodeError}.
 */
export function encodeMessage(type: string, resource: string, json: object): Uint8Array {
  const schema = schemaOf(type, resource);
  const registry = descriptorRegistry();
  try {
    return toBinary(schema, fromJson(schema, sortKeys(json, 0), { registry }));
  } catch (error) {
    const { path, reason } = locateJsonError(schema, json, error);
    throw new EncodeError(schema.typeName, resource, path, reason);
  }
}

/** A message's bytes as canonical JSON, every `Any` expanded. Throws {@link EncodeError} when they are not one. */
export function decodeMessage(type: string, resource: string, bytes: Uint8Array): object {
  const schema = schemaOf(type, resource);
  const registry = descriptorRegistry();
  try {
    return toJson(schema, fromBinary(schema, bytes), { registry }) as object;
  } catch (error) {
    throw new EncodeError(schema.typeName, resource, '', `cannot be decoded: ${(error as Error).message}`);
  }
}

/** Turns a resource into the bytes that ADS sends. Throws {@link EncodeError} when its JSON is not of its type. */
export function encode(resource: Resource): EncodedResource {
  const { typeUrl, name } = resource;
  const bytes = encodeMessage(typeUrl, name, resource.json);
  const version = createHash('sha256').update(bytes).digest('hex').slice(0, VERSION_LENGTH);
  return Object.freeze({ typeUrl, name, version, bytes });
}

/** A resource's canonical JSON, every `Any` expanded: what Envoy got, for goldens and config dumps. */
export function decode(encoded: EncodedResource): object {
  return decodeMessage(encoded.typeUrl, encoded.name, encoded.bytes);
}
