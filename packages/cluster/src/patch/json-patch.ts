import jsonPatch, { type Operation } from 'fast-json-patch';
import { isRecord } from '../store/fields.ts';
import { PatchError } from './patch-error.ts';

/** The API server's limit of operations in one patch. */
const MAX_OPERATIONS = 10_000;

/** Bytes that `copy` operations of one patch may add up to: copies of copies grow exponentially. */
const MAX_COPIED_BYTES = 3 * 1024 * 1024;

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/**
 * Applies a JSON patch (RFC 6902) to a copy of `object`. Operations are applied in order, all or none. Throws PatchError for
 * what is no patch, for a path that does not exist, for a test that fails, and for more than 10 000 operations or 3 MiB copied.
 */
export const applyJsonPatch = (object: object, operations: unknown): object => {
  if (!Array.isArray(operations)) throw new PatchError('a JSON patch must be a list of operations');
  if (operations.length > MAX_OPERATIONS)
    throw new PatchError(
      `the allowed maximum of operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`,
    );
  let document: unknown = structuredClone(object);
  let copied = 0;
  for (const [index, candidate] of operations.entries()) {
    const operation = readOperation(candidate, index);
    if (operation.op === 'copy') {
      copied += copySize(document, operation.from);
      if (copied > MAX_COPIED_BYTES) throw new PatchError('the copies that the JSON patch makes are too large');
    }
    document = applyOne(document, operation, index);
  }
  if (!isRecord(document)) throw new PatchError('the JSON patch leaves no object');
  return document;
};

const readOperation = (value: unknown, index: number): Operation => {
  if (!isRecord(value)) throw new PatchError(`operation ${index} of the JSON patch is not an object`);
  const { op, path, from } = value;
  if (typeof op !== 'string' || !OPERATIONS.has(op))
    throw new PatchError(`operation ${index} of the JSON patch has no known "op": ${JSON.stringify(op)}`);
  if (!isPointer(path)) throw new PatchError(`operation ${index} of the JSON patch (${op}) has no valid "path"`);
  if ((op === 'move' || op === 'copy') && !isPointer(from))
    throw new PatchError(`operation ${index} of the JSON patch (${op} ${path}) has no valid "from"`);
  if ((op === 'add' || op === 'replace' || op === 'test') && value.value === undefined)
    throw new PatchError(`operation ${index} of the JSON patch (${op} ${path}) has no "value"`);
  return value as unknown as Operation;
};

/** RFC 6901: empty, or segments that each begin with a slash. */
const isPointer = (value: unknown): value is string =>
  typeof value === 'string' && (value === '' || value.startsWith('/'));

const copySize = (document: unknown, from: string): number => {
  try {
    return JSON.stringify(jsonPatch.getValueByPointer(document, from))?.length ?? 0;
  } catch {
    return 0;
  }
};

/**
 * True for a member that an object does not have yet. To replace it is to add it: RFC 6902 asks for a refusal, and the API server
 * does not refuse.
 */
const isNewMember = (document: unknown, path: string): boolean => {
  const cut = path.lastIndexOf('/');
  if (cut < 0) return false;
  const parent: unknown = jsonPatch.getValueByPointer(document, path.slice(0, cut));
  return isRecord(parent) && !Object.hasOwn(parent, jsonPatch.unescapePathComponent(path.slice(cut + 1)));
};

const applyOne = (document: unknown, operation: Operation, index: number): unknown => {
  try {
    const { op } = operation;
    const lenient =
      op === 'replace' && isNewMember(document, operation.path) ? { ...operation, op: 'add' as const } : operation;
    return jsonPatch.applyOperation(document, lenient, true, true, true, index).newDocument;
  } catch (error) {
    throw new PatchError(explain(operation, error as { readonly name?: string; readonly message?: string }));
  }
};

const explain = (operation: Operation, error: { readonly name?: string; readonly message?: string }): string => {
  const { op, path } = operation;
  if (error.name === 'TEST_OPERATION_FAILED') return `testing path ${path} failed: the value is another one`;
  if (error.name === 'OPERATION_FROM_UNRESOLVABLE') return `${op} operation does not apply: "from" does not exist`;
  if (error.name?.startsWith('OPERATION_'))
    return `${op} operation does not apply: doc is missing path: "${path}": missing value`;
  // The library's messages go on with the whole document, which may hold secrets.
  return `${op} operation does not apply at path "${path}": ${error.message?.split('\n')[0] ?? 'unknown reason'}`;
};
