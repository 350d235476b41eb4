import { WIRE_TABLE } from './wire-table.ts';

/** Bytes that are not what their type says. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtobufError';
  }
}

interface Field {
  /** Name in JSON; `...` for a part whose fields belong to its parent. */
  readonly name: string;
  readonly shape: 'one' | 'list' | 'map';
  readonly type: string;
  /** The value of nothing ('' 0 false, empty) is left out, as JSON does. */
  readonly omitEmpty: boolean;
}

type Message = ReadonlyMap<number, Field>;

interface Table {
  /** Message of a kind, by `apiVersion kind`. */
  readonly kinds: ReadonlyMap<string, string>;
  readonly messages: ReadonlyMap<string, Message>;
}

let loaded: Table | undefined;

/** The table is read when the first client sends protobuf. */
const table = (): Table => {
  loaded ??= readTable(WIRE_TABLE);
  return loaded;
};

const readTable = (text: string): Table => {
  const [kindLines = '', messageLines = ''] = text.split('\n\n');
  const kinds = kindLines.split('\n').map((line) => {
    const [apiVersion = '', kind = '', message = ''] = line.split(' ');
    return [`${apiVersion} ${kind}`, message] as const;
  });
  const messages = messageLines.split('\n').map((line) => {
    const [name = '', ...fields] = line.split(' ');
    return [name, new Map(fields.filter((field) => field.includes('=')).map(readField))] as const;
  });
  return { kinds: new Map(kinds), messages: new Map(messages) };
};

const readField = (text: string): readonly [number, Field] => {
  const equals = text.indexOf('=');
  const colon = text.lastIndexOf(':');
  const omitEmpty = text.endsWith('?');
  const full = text.slice(colon + 1, omitEmpty ? -1 : undefined);
  const shape = full.startsWith('[]') ? 'list' : full.startsWith('{}') ? 'map' : 'one';
  const type = shape === 'one' ? full : full.slice(2);
  return [Number(text.slice(0, equals)), { name: text.slice(equals + 1, colon), shape, type, omitEmpty }];
};

/** One field as it stands on the wire. */
interface WireField {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/** Splits a message into its fields (https://protobuf.dev/programming-guides/encoding/). Throws {@link ProtobufError}. */
function* wireFields(bytes: Buffer): Generator<WireField> {
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset];
      if (byte === undefined) throw new ProtobufError('unexpected end of the message');
      offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new ProtobufError('a number is longer than 64 bits');
  };
  const take = (length: number): Buffer => {
    if (length < 0 || offset + length > bytes.length) throw new ProtobufError('a field is longer than its message');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  while (offset < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8) };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: take(4) };
        break;
      default:
        throw new ProtobufError(`field ${number} has an unknown wire type`);
    }
  }
}

const bytesOf = (value: bigint | Buffer): Buffer => {
  if (typeof value === 'bigint') throw new ProtobufError('a number stands where a text or a message should');
  return value;
};

const numberOf = (value: bigint | Buffer | undefined): number => {
  if (value === undefined) return 0;
  if (typeof value !== 'bigint') throw new ProtobufError('a text stands where a number should');
  return Number(value);
};

const only = (bytes: Buffer): ReadonlyMap<number, bigint | Buffer> =>
  new Map([...wireFields(bytes)].map(({ number, value }) => [number, value]));

/** RFC 3339 with so many digits behind the second; `null` for no time. */
const timeOf = (bytes: Buffer, digits: number): string | null => {
  const fields = only(bytes);
  if (fields.size === 0) return null;
  const seconds = numberOf(fields.get(1));
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const fraction = String(numberOf(fields.get(2)))
    .padStart(9, '0')
    .slice(0, digits);
  return digits === 0 ? `${whole}Z` : `${whole}.${fraction}Z`;
};

const embedded = (bytes: Buffer): unknown => {
  const raw = only(bytes).get(1);
  if (raw === undefined) return undefined;
  try {
    return JSON.parse(bytesOf(raw).toString());
  } catch {
    throw new ProtobufError('an embedded object is not JSON');
  }
};

/** Types whose JSON form is not that of their fields. */
const SPECIAL: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'api/resource.Quantity': (bytes) => bytesOf(only(bytes).get(1) ?? Buffer.alloc(0)).toString(),
  'util/intstr.IntOrString': (bytes) => {
    const fields = only(bytes);
    return numberOf(fields.get(1)) === 0
      ? numberOf(fields.get(2))
      : bytesOf(fields.get(3) ?? Buffer.alloc(0)).toString();
  },
  'meta/v1.Time': (bytes) => timeOf(bytes, 0),
  'meta/v1.MicroTime': (bytes) => timeOf(bytes, 6),
  'meta/v1.FieldsV1': embedded,
  'runtime.RawExtension': embedded,
};

const scalar = (type: string, value: bigint | Buffer): unknown => {
  switch (type) {
    case 'string':
      return bytesOf(value).toString();
    case 'bytes':
      return bytesOf(value).toString('base64');
    case 'bool':
      return value !== 0n;
    case 'int':
      return numberOf(value);
    case 'double':
      return bytesOf(value).readDoubleLE(0);
    case 'items':
      return [...wireFields(bytesOf(value))].map((item) => bytesOf(item.value).toString());
    default:
      return undefined;
  }
};

/** Messages within messages beyond this are refused: no Kubernetes type comes near. */
const DEPTH = 64;

const decodeValue = (type: string, value: bigint | Buffer, depth: number): unknown => {
  const special = SPECIAL[type];
  if (special !== undefined) return special(bytesOf(value));
  if (type.includes('.')) return decodeMessage(type, bytesOf(value), depth + 1);
  return scalar(type, value);
};

const isEmpty = (value: unknown): boolean => value === '' || value === 0 || value === false;

const entry = (type: string, bytes: Buffer, depth: number): readonly [string, unknown] => {
  const fields = only(bytes);
  const key = bytesOf(fields.get(1) ?? Buffer.alloc(0)).toString();
  const value = fields.get(2);
  // An absent value is the empty one of its type, which for everything but a number has no bytes.
  return [key, decodeValue(type, value ?? (type === 'int' || type === 'bool' ? 0n : Buffer.alloc(0)), depth)];
};

const define = (target: Record<string, unknown>, name: string, value: unknown): void => {
  // `__proto__` is a legal key of a map and must be a plain field.
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
};

const decodeMessage = (name: string, bytes: Buffer, depth = 0): Record<string, unknown> => {
  const message = table().messages.get(name);
  if (message === undefined) throw new ProtobufError(`${name} is not known`);
  if (depth > DEPTH) throw new ProtobufError('messages are nested too deeply');
  const result: Record<string, unknown> = {};
  for (const { number, value } of wireFields(bytes)) {
    const field = message.get(number);
    if (field === undefined) continue;
    const { name: json, shape, type, omitEmpty } = field;
    if (shape === 'map') {
      const map = (result[json] ?? {}) as Record<string, unknown>;
      define(map, ...entry(type, bytesOf(value), depth));
      result[json] = map;
      continue;
    }
    const decoded = decodeValue(type, value, depth);
    if (shape === 'list') result[json] = [...((result[json] as unknown[] | undefined) ?? []), decoded];
    else if (json === '...') Object.assign(result, decoded);
    else if (decoded !== null && decoded !== undefined && !(omitEmpty && isEmpty(decoded))) result[json] = decoded;
  }
  return result;
};

/** First bytes of every protobuf body of Kubernetes. */
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/**
 * An object sent as `application/vnd.kubernetes.protobuf`: an envelope with apiVersion, kind and the message
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding). Throws {@link ProtobufError}.
 */
export const decodeObject = (bytes: Buffer): Record<string, unknown> => {
  if (!bytes.subarray(0, 4).equals(MAGIC))
    throw new ProtobufError('the body does not begin with the Kubernetes prefix');
  const envelope = only(bytes.subarray(4));
  const meta = only(bytesOf(envelope.get(1) ?? Buffer.alloc(0)));
  const text = (number: number): string => bytesOf(meta.get(number) ?? Buffer.alloc(0)).toString();
  const [apiVersion, kind] = [text(1), text(2)];
  const lookup = kind === 'DeleteOptions' ? 'v1 DeleteOptions' : `${apiVersion} ${kind}`;
  const message = table().kinds.get(lookup);
  if (message === undefined) throw new ProtobufError(`${kind} (${apiVersion}) is not known as protobuf: send JSON`);
  return { apiVersion, kind, ...decodeMessage(message, bytesOf(envelope.get(2) ?? Buffer.alloc(0))) };
};
