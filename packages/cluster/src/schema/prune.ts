import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { item, join } from './fault.ts';
import { OBJECT_META } from './object-meta.ts';

/** Unknown fields that are reported at most. */
const MOST = 100;

const ANY: TypeSchema = Object.freeze({ preserveUnknownFields: true, openapi: Object.freeze({}) });

/** Fields that an embedded resource has without its schema saying so. */
const EMBEDDED: ReadonlyMap<string, TypeSchema> = new Map([
  ['apiVersion', ANY],
  ['kind', ANY],
  ['metadata', OBJECT_META],
]);

/** The schema of a field; undefined when the schema does not have it. */
export const fieldSchema = (schema: TypeSchema, name: string): TypeSchema | undefined => {
  if (schema.embeddedResource === true) {
    const own = EMBEDDED.get(name);
    if (own !== undefined) return own;
  }
  const property = schema.properties?.get(name);
  if (property !== undefined) return property;
  if (schema.additionalProperties === true) return ANY;
  return schema.additionalProperties ?? (schema.preserveUnknownFields === true ? ANY : undefined);
};

const isFree = (schema: TypeSchema): boolean =>
  schema.preserveUnknownFields === true &&
  schema.properties === undefined &&
  schema.items === undefined &&
  schema.additionalProperties === undefined &&
  schema.embeddedResource !== true;

const collect = (schema: TypeSchema, value: unknown, path: string, found: string[]): void => {
  if (found.length >= MOST || isFree(schema)) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined)
      for (const [index, child] of value.entries()) collect(items, child, item(path, index), found);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, child] of Object.entries(value)) {
    const known = fieldSchema(schema, name);
    if (known !== undefined) collect(known, child, join(path, name), found);
    else if (found.length < MOST) found.push(join(path, name));
  }
};

/**
 * Paths of the fields that a schema does not have (`spec.containers[0].imagee`), at most 100. Fields under
 * `x-kubernetes-preserve-unknown-fields` count as known.
 */
export const unknownFields = (schema: TypeSchema, object: unknown): readonly string[] => {
  const found: string[] = [];
  collect(schema, object, '', found);
  return found;
};

/**
 * The value without the fields that its schema does not have
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning). Parts in
 * which nothing is pruned stay the same objects.
 */
export const pruneValue = (schema: TypeSchema, value: unknown): unknown => {
  if (isFree(schema)) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    const pruned = value.map((child) => pruneValue(items, child));
    return pruned.every((child, index) => child === value[index]) ? value : pruned;
  }
  if (!isRecord(value)) return value;
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const [name, child] of Object.entries(value)) {
    const known = fieldSchema(schema, name);
    if (known === undefined) {
      changed = true;
      continue;
    }
    const pruned = pruneValue(known, child);
    changed ||= pruned !== child;
    kept.push([name, pruned]);
  }
  return changed ? Object.fromEntries(kept) : value;
};

/** {@link pruneValue} of a whole object. */
export const pruneUnknown = (schema: TypeSchema, object: object): object => pruneValue(schema, object) as object;
