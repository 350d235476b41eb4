import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { fieldSchema } from './prune.ts';

const mayHaveDefaults = new WeakMap<TypeSchema, boolean>();

/** True when a default may be somewhere in the schema; schemas of CRDs are finite, so this ends. */
const hasDefaults = (schema: TypeSchema): boolean => {
  const known = mayHaveDefaults.get(schema);
  if (known !== undefined) return known;
  mayHaveDefaults.set(schema, true);
  const children = [
    ...(schema.properties?.values() ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
  ];
  const found = children.some((child) => child.default !== undefined || hasDefaults(child));
  mayHaveDefaults.set(schema, found);
  return found;
};

const fillObject = (schema: TypeSchema, value: Record<string, unknown>): unknown => {
  let changed = false;
  const filled = new Map<string, unknown>();
  for (const [name, child] of Object.entries(value)) {
    const known = fieldSchema(schema, name);
    // A null where null is not allowed counts as absent when there is a default to take its place.
    if (child === null && known?.default !== undefined && known.nullable !== true) {
      changed = true;
      continue;
    }
    const next = known === undefined ? child : fillValue(known, child);
    changed ||= next !== child;
    filled.set(name, next);
  }
  for (const [name, property] of schema.properties ?? []) {
    if (property.default === undefined || filled.has(name)) continue;
    changed = true;
    filled.set(name, fillValue(property, property.default));
  }
  return changed ? Object.fromEntries(filled) : value;
};

const fillValue = (schema: TypeSchema, value: unknown): unknown => {
  if (!hasDefaults(schema)) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    const filled = value.map((child) => fillValue(items, child));
    return filled.every((child, index) => child === value[index]) ? value : filled;
  }
  return isRecord(value) ? fillObject(schema, value) : value;
};

/**
 * The object with the defaults of its schema
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting). Filling in
 * twice changes nothing more; parts to which nothing is added stay the same objects.
 */
export const applySchemaDefaults = (schema: TypeSchema, object: object): object => fillValue(schema, object) as object;
