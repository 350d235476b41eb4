/** Reading untyped objects: every reader answers an absent or wrongly typed value with an empty one, never throws. */

/** A JSON object whose fields are read, not written. */
export type Fields = Readonly<Record<string, unknown>>;

const EMPTY: Fields = Object.freeze({});
const NOTHING: readonly unknown[] = Object.freeze([]);

/** True for a JSON object (not an array, not null). */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value as an object, or an empty one. */
export const record = (value: unknown): Fields => (isRecord(value) ? value : EMPTY);

/** The value as an array, or an empty one. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : NOTHING);

/** The value as a string, or ''. */
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The value as a finite number, or `fallback`. */
export const number = (value: unknown, fallback = 0): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : fallback;

/** The value at a path of field names: `at(pod, 'spec', 'nodeName')`. */
export const at = (value: unknown, ...path: readonly string[]): unknown => {
  let here: unknown = value;
  for (const name of path) {
    if (!isRecord(here)) return undefined;
    here = here[name];
  }
  return here;
};

/** A map of strings (labels, annotations); entries that are not strings are left out. */
export const strings = (value: unknown): Readonly<Record<string, string>> => {
  const result: Record<string, string> = {};
  for (const [key, item] of Object.entries(record(value))) if (typeof item === 'string') result[key] = item;
  return result;
};

/** A list of strings; items that are not strings are left out. */
export const texts = (value: unknown): readonly string[] => list(value).filter((item) => typeof item === 'string');

/** The object with `value` at `path`; every object on the way is copied, nothing is written in place. */
export const withField = <T extends object>(object: T, path: readonly string[], value: unknown): T => {
  const [name, ...rest] = path;
  if (name === undefined) return object;
  const next = rest.length === 0 ? value : withField(record(Reflect.get(object, name)), rest, value);
  const copy: Record<string, unknown> = { ...(object as Fields) };
  if (next === undefined) delete copy[name];
  else copy[name] = next;
  return copy as T;
};

/** Structural equality of JSON values; an absent field equals an undefined one. */
export const sameJson = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameJson(item, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  for (const key of Object.keys(left)) if (!sameJson(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
};

/** Freezes a JSON value and everything in it; stops at what is frozen already, so shared parts cost nothing. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
  return value;
};
