import { fieldSchema } from '../../schema/prune.ts';
import { isRecord } from '../../store/fields.ts';
import type { TypeSchema } from '../../types.ts';
import { readDuration } from './environment.ts';

/** Words that CEL keeps for itself; fields of these names are written `__word__`. */
const RESERVED: ReadonlySet<string> = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

const ESCAPES: Readonly<Record<string, string>> = { '.': '__dot__', '-': '__dash__', '/': '__slash__' };

/**
 * The name by which a rule reaches a field: `foo-bar` is `foo__dash__bar`; undefined when no rule can
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules).
 */
export const celName = (name: string): string | undefined => {
  if (RESERVED.has(name)) return `__${name}__`;
  const escaped = name
    .replaceAll('__', '__underscores__')
    .replaceAll(/[.\-/]/g, (character) => ESCAPES[character] ?? '');
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
};

const NOTHING: TypeSchema = Object.freeze({ preserveUnknownFields: true, openapi: Object.freeze({}) });

const numberOf = (schema: TypeSchema, value: number): bigint | number =>
  schema.type === 'number' || !Number.isInteger(value) ? value : BigInt(value);

const stringOf = (schema: TypeSchema, value: string): unknown => {
  if (schema.type !== 'string') return value;
  const { format } = schema.openapi;
  if (format === 'date-time' || format === 'datetime') return new Date(value);
  if (format === 'date') return new Date(`${value}T00:00:00Z`);
  if (format === 'byte') return Uint8Array.from(Buffer.from(value, 'base64'));
  return format === 'duration' ? readDuration(value) : value;
};

const objectOf = (schema: TypeSchema, value: Record<string, unknown>): Record<string, unknown> => {
  const isMap = schema.additionalProperties !== undefined;
  const entries = Object.entries(value).flatMap(([name, child]) => {
    const known = fieldSchema(schema, name);
    if (known === undefined || child === undefined) return [];
    const reached = isMap || schema.type === undefined ? name : celName(name);
    return reached === undefined ? [] : [[reached, celValue(known, child)] as const];
  });
  return Object.fromEntries(entries);
};

/**
 * A JSON value as CEL sees it by its schema: integers are BigInt, times are Date, bytes are Uint8Array; names of fields are
 * escaped.
 */
export const celValue = (schema: TypeSchema, value: unknown): unknown => {
  if (typeof value === 'number') return numberOf(schema, value);
  if (typeof value === 'string') return stringOf(schema, value);
  if (Array.isArray(value)) return value.map((child) => celValue(schema.items ?? NOTHING, child));
  return isRecord(value) ? objectOf(schema, value) : value;
};
