import type { FieldFault } from '../types.ts';

/** Longest rendering of a value in a message, in characters. */
const SHOWN = 256;

/** A value as it stands in messages: JSON, cut when long. */
export const show = (value: unknown): string => {
  const text = value === undefined ? '""' : (JSON.stringify(value) ?? String(value));
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}...`;
};

/** The path of a field: `join('spec', 'ports')` is `spec.ports`. */
export const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The path of a list item: `spec.ports[0]`. */
export const item = (path: string, index: number): string => `${path}[${index}]`;

/** The path of a map's entry: `metadata.labels[app]`. */
export const entry = (path: string, key: string): string => `${path}[${key}]`;

const fault = (path: string, reason: string, message: string): FieldFault =>
  Object.freeze({ path: path === '' ? '<nil>' : path, reason, message });

/** A value that is not acceptable, and why. */
export const invalid = (path: string, value: unknown, why: string): FieldFault =>
  fault(path, 'FieldValueInvalid', `Invalid value: ${show(value)}: ${why}`);

/** A value of the wrong JSON type. */
export const typeInvalid = (path: string, value: unknown, why: string): FieldFault =>
  fault(path, 'FieldValueTypeInvalid', `Invalid value: ${show(value)}: ${why}`);

/** A value that must be there. */
export const required = (path: string, why = ''): FieldFault =>
  fault(path, 'FieldValueRequired', why === '' ? 'Required value' : `Required value: ${why}`);

/** A value outside of an enumeration. */
export const notSupported = (path: string, value: unknown, supported: readonly unknown[]): FieldFault =>
  fault(
    path,
    'FieldValueNotSupported',
    `Unsupported value: ${show(value)}: supported values: ${supported.map(show).join(', ')}`,
  );

/** A name that leads to nothing. */
export const notFound = (path: string, value: unknown): FieldFault =>
  fault(path, 'FieldValueNotFound', `Not found: ${show(value)}`);

/** A value that must be unique and is there twice. */
export const duplicate = (path: string, value: unknown): FieldFault =>
  fault(path, 'FieldValueDuplicate', `Duplicate value: ${show(value)}`);

/** Something that may not be said here, or may not change. */
export const forbidden = (path: string, why: string): FieldFault =>
  fault(path, 'FieldValueForbidden', `Forbidden: ${why}`);

/** A text above `limit` bytes. */
export const tooLong = (path: string, limit: number): FieldFault =>
  fault(path, 'FieldValueTooLong', `Too long: may not be more than ${limit} bytes`);

/** A list or map above `limit` entries. */
export const tooMany = (path: string, count: number, limit: number): FieldFault =>
  fault(path, 'FieldValueTooMany', `Too many: ${count}: must have at most ${limit} items`);
