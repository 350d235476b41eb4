import { parseQuantity, writeQuantity } from '../schema/quantity.ts';
import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';

/** Second precision in UTC, as the API writes times; MicroTime keeps six digits. */
const canonicalTime = (value: string, micro: boolean): string => {
  const moment = Date.parse(value);
  if (Number.isNaN(moment) || /^[+-]/.test(value)) return value;
  const date = new Date(moment).toISOString();
  if (!micro) return `${date.slice(0, 19)}Z`;
  const fraction = (/\.(\d+)/.exec(value)?.[1] ?? '').slice(0, 6).padEnd(6, '0');
  return `${date.slice(0, 19)}.${fraction}Z`;
};

const canonicalScalar = (schema: TypeSchema, value: unknown): unknown => {
  const { format } = schema.openapi;
  if (format === 'quantity') {
    const quantity = parseQuantity(value);
    return quantity === undefined ? value : writeQuantity(quantity);
  }
  if (typeof value !== 'string') return value;
  if (format === 'date-time') return canonicalTime(value, false);
  return format === 'micro-time' ? canonicalTime(value, true) : value;
};

const canonicalObject = (schema: TypeSchema, value: Record<string, unknown>): unknown => {
  const { properties, additionalProperties } = schema;
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const [name, child] of Object.entries(value)) {
    const property = properties?.get(name);
    if (child === null && property !== undefined && property.preserveUnknownFields !== true) {
      changed = true;
      continue;
    }
    const known = property ?? (additionalProperties === true ? undefined : additionalProperties);
    const next = known === undefined ? child : child === null ? emptyOf(known) : canonical(known, child);
    if (property !== undefined && isEmpty(property, next) && schema.required?.includes(name) !== true) {
      changed = true;
      continue;
    }
    changed ||= next !== child;
    kept.push([name, next]);
  }
  return changed ? Object.fromEntries(kept) : value;
};

/** A list without items, or a map without entries; an object that says nothing still says that it is there. */
const isEmpty = (schema: TypeSchema, value: unknown): boolean => {
  if (Array.isArray(value)) return schema.type === 'array' && value.length === 0;
  return schema.additionalProperties !== undefined && isRecord(value) && Object.keys(value).length === 0;
};

/** What a null in a map of a built-in kind means: the zero value of its type. */
const emptyOf = (schema: TypeSchema): unknown => (schema.type === 'string' ? '' : null);

/**
 * The one form in which the API keeps a built-in object: no field that is null (a null is an absent field there), no optional
 * list or map that is empty, quantities and times in their canonical text. Values that are wrong stay as they are, for validation to refuse.
 */
export const canonical = (schema: TypeSchema, value: unknown): unknown => {
  if (schema.preserveUnknownFields === true) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    const next = value.map((child) => canonical(items, child));
    return next.every((child, index) => child === value[index]) ? value : next;
  }
  return isRecord(value) ? canonicalObject(schema, value) : canonicalScalar(schema, value);
};
