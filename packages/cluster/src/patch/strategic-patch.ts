import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { PatchError } from './patch-error.ts';
import { fieldSchema, objectSchema } from './shape.ts';
import { checkOrder, mergeByKey, mergeScalars, orderItems, PATCH, sameItem } from './strategic-lists.ts';

type Fields = Readonly<Record<string, unknown>>;

const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const SET_ORDER = '$setElementOrder/';

const NO_SCHEMA: TypeSchema = Object.freeze({ openapi: {} });

/**
 * Applies a strategic merge patch: like a JSON merge patch, but lists that the schema marks are merged by their merge key, and
 * directives (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…`, `$setElementOrder/…`) say what a merge cannot
 * (https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md).
 * Throws PatchError for directives and items that make no sense.
 */
export const applyStrategicPatch = (schema: TypeSchema, object: object, patch: unknown): object => {
  if (!isRecord(patch)) throw new PatchError('a strategic merge patch must be an object');
  return mergeMaps(objectSchema(schema), object as Fields, patch);
};

const isDirective = (key: string): boolean =>
  key === PATCH || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER);

const mergeMaps = (schema: TypeSchema, original: Fields, patch: Fields): Fields => {
  const directive = patch[PATCH];
  if (directive === 'replace') return withoutDirectives(patch) as Fields;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge')
    throw new PatchError(`unknown patch type: ${JSON.stringify(directive)}`);
  const result: Record<string, unknown> = { ...retained(original, patch) };
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key) || key === '__proto__') continue;
    if (value === null) delete result[key];
    else result[key] = mergeField(fieldSchema(schema, key), key, result[key], value, patch);
  }
  // Directives may also stand alone, without a patch of the list they speak of.
  for (const key of Object.keys(patch)) {
    const name = key.startsWith(DELETE_FROM)
      ? key.slice(DELETE_FROM.length)
      : key.startsWith(SET_ORDER)
        ? key.slice(SET_ORDER.length)
        : undefined;
    if (name === undefined || patch[name] !== undefined || !Array.isArray(result[name])) continue;
    result[name] = mergeLists(fieldSchema(schema, name), name, result[name], [], patch);
  }
  return result;
};

/** The original without the fields that `$retainKeys` does not name. */
const retained = (original: Fields, patch: Fields): Fields => {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return original;
  if (!Array.isArray(keys)) throw new PatchError(`${RETAIN_KEYS} must be a list`);
  const stray = Object.keys(patch).find((key) => !isDirective(key) && patch[key] !== null && !keys.includes(key));
  if (stray !== undefined) throw new PatchError(`${RETAIN_KEYS} does not name the patched field "${stray}"`);
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)));
};

const mergeField = (schema: TypeSchema, name: string, original: unknown, value: unknown, patch: Fields): unknown => {
  const replaces = schema.patchStrategy?.includes('replace') === true;
  if (isRecord(value)) {
    if (replaces) return withoutDirectives(value);
    return mergeMaps(schema, isRecord(original) ? original : {}, value);
  }
  if (!Array.isArray(value)) return value;
  return mergeLists(schema, name, Array.isArray(original) ? original : [], value, patch);
};

const mergeLists = (
  schema: TypeSchema,
  name: string,
  original: readonly unknown[],
  value: readonly unknown[],
  patch: Fields,
): readonly unknown[] => {
  const order = readList(patch, SET_ORDER + name);
  const deleted = readList(patch, DELETE_FROM + name) ?? [];
  if (schema.patchStrategy?.includes('merge') !== true) {
    if (order === undefined && deleted.length === 0) return value.map(withoutDirectives);
    throw new PatchError(`the list "${name}" is replaced as a whole and takes no directives`);
  }
  const mergeKey = schema.patchMergeKey;
  if (order !== undefined) checkOrder(value, order, mergeKey, name);
  const left = original.filter((item) => !deleted.some((gone) => sameItem(undefined, gone, item)));
  const items = schema.items ?? NO_SCHEMA;
  const merged =
    mergeKey === undefined
      ? mergeScalars(left, value)
      : mergeByKey(left, value, mergeKey, (item, wanted) => mergeMaps(items, isRecord(item) ? item : {}, wanted));
  return order === undefined ? merged : orderItems(merged, left, order, mergeKey);
};

const readList = (patch: Fields, key: string): readonly unknown[] | undefined => {
  const value = patch[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw new PatchError(`${key} must be a list`);
  return value;
};

/** A value as it is stored: without what only steers the merge. */
const withoutDirectives = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutDirectives);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !isDirective(key) && item !== null)
      .map(([key, item]) => [key, withoutDirectives(item)]),
  );
};
