import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { badRequest, tooLarge, unsupportedMediaType } from './errors.ts';
import { decodeObject, ProtobufError } from './protobuf/decode.ts';

/** Largest body of a request, as in Kubernetes: 3 MiB. */
export const BODY_LIMIT = 3 * 1024 * 1024;

/** The bytes of a request's body. Throws RequestEntityTooLarge above the limit, reading no further. */
export const readBytes = async (request: IncomingMessage): Promise<Buffer> => {
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT) throw tooLarge(BODY_LIMIT);
  const chunks: Buffer[] = [];
  let size = 0;
  // A refused body must not take the connection down before the refusal is written.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > BODY_LIMIT) throw tooLarge(BODY_LIMIT);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
};

/** The media type of a request's body, lower case, without parameters. */
export const mediaTypeOf = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const ACCEPTED = ['application/json', 'application/yaml', PROTOBUF];

/** Objects are walked again and again: deeper ones than any kind has are not taken in. */
const MAX_DEPTH = 256;

const boundDepth = (value: unknown, left = MAX_DEPTH): void => {
  if (typeof value !== 'object' || value === null) return;
  if (left === 0) throw badRequest(`the body of the request is nested more than ${MAX_DEPTH} levels deep`);
  for (const item of Array.isArray(value) ? value : Object.values(value)) boundDepth(item, left - 1);
};

/** Reads JSON, at most 256 levels deep. Throws BadRequest. */
export const parseJson = (text: string): unknown => {
  const value = readJson(text);
  boundDepth(value);
  return value;
};

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
};

/** Reads YAML without aliases beyond a bound and without custom tags, at most 256 levels deep. Throws BadRequest. */
export const parseYaml = (text: string): unknown => {
  const value = readYaml(text);
  boundDepth(value);
  return value;
};

const readYaml = (text: string): unknown => {
  try {
    return parse(text, { maxAliasCount: 100, merge: false });
  } catch (error) {
    throw badRequest(`yaml: ${(error as Error).message.split('\n')[0]}`);
  }
};

const parseProtobuf = (bytes: Buffer): unknown => {
  try {
    return decodeObject(bytes);
  } catch (error) {
    throw error instanceof ProtobufError ? badRequest(`protobuf: ${error.message}`) : error;
  }
};

/** The body as an object, from JSON, YAML or protobuf; `undefined` when there is none. Throws BadRequest, UnsupportedMediaType, TooLarge. */
export const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return undefined;
  const type = mediaTypeOf(request);
  if (type === 'application/yaml') return parseYaml(bytes.toString());
  if (type === 'application/json' || type === '' || type === 'text/plain') return parseJson(bytes.toString());
  if (type === PROTOBUF) return parseProtobuf(bytes);
  throw unsupportedMediaType(type, ACCEPTED);
};
