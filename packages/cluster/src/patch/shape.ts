import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';

/**
 * How ownership sees a value: as one leaf (scalars and atomic lists and maps), or as items that have owners of their own.
 * The rules are those of structured-merge-diff
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
 */
export type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'map' }
  | { readonly kind: 'set' }
  | { readonly kind: 'keyed'; readonly keys: readonly string[]; readonly items: TypeSchema };

const LEAF: Shape = Object.freeze({ kind: 'leaf' });
const MAP: Shape = Object.freeze({ kind: 'map' });
const SET: Shape = Object.freeze({ kind: 'set' });

/** What no schema speaks of, where unknown fields are kept: maps by field, lists as one. */
const DEDUCED: TypeSchema = Object.freeze({ preserveUnknownFields: true, openapi: Object.freeze({}) });

/** What no schema speaks of, elsewhere: one leaf. */
const OPAQUE: TypeSchema = Object.freeze({ mapType: 'atomic', openapi: Object.freeze({}) });

/** The shape of a value under a schema. `null` and `undefined` take the shape of a leaf. */
export const shapeOf = (schema: TypeSchema, value: unknown): Shape => {
  if (Array.isArray(value)) return listShape(schema);
  if (!isRecord(value) || schema.mapType === 'atomic') return LEAF;
  return hasFields(schema) ? MAP : LEAF;
};

const hasFields = ({
  properties,
  additionalProperties,
  preserveUnknownFields,
  embeddedResource,
}: TypeSchema): boolean =>
  properties !== undefined ||
  additionalProperties !== undefined ||
  preserveUnknownFields === true ||
  embeddedResource === true;

const shapes = new WeakMap<TypeSchema, Shape>();

const listShape = (schema: TypeSchema): Shape => {
  if (schema.listType === 'set') return SET;
  const { listMapKeys: keys = [], items } = schema;
  if (schema.listType !== 'map' || keys.length === 0 || items === undefined) return LEAF;
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const shape: Shape = Object.freeze({ kind: 'keyed', keys: [...keys].sort(), items });
  shapes.set(schema, shape);
  return shape;
};

/** Schema of a field of a map. */
export const fieldSchema = (schema: TypeSchema, name: string): TypeSchema => {
  const known = schema.properties?.get(name);
  if (known !== undefined) return known;
  const { additionalProperties } = schema;
  if (additionalProperties === true) return DEDUCED;
  return additionalProperties ?? (schema.preserveUnknownFields === true ? DEDUCED : OPAQUE);
};

/** True for a field that the schema names, as opposed to a key of a free map. */
export const isNamedField = (schema: TypeSchema, name: string): boolean => schema.properties?.has(name) === true;

const scalar = (type: 'string' | 'boolean' | 'integer'): TypeSchema => Object.freeze({ type, openapi: {} });
const struct = (fields: Readonly<Record<string, TypeSchema>>): TypeSchema =>
  Object.freeze({ type: 'object', properties: new Map(Object.entries(fields)), openapi: {} });
const STRINGS: TypeSchema = Object.freeze({ type: 'object', additionalProperties: scalar('string'), openapi: {} });
const OWNER = struct({
  apiVersion: scalar('string'),
  kind: scalar('string'),
  name: scalar('string'),
  uid: scalar('string'),
});

const list = (type: Pick<TypeSchema, 'listType' | 'listMapKeys' | 'items'>): TypeSchema =>
  Object.freeze({ type: 'array', ...type, openapi: {} });

/** `metadata` of every kind (meta/v1 ObjectMeta): definitions of custom kinds do not spell it out. */
const METADATA: TypeSchema = struct({
  labels: STRINGS,
  annotations: STRINGS,
  finalizers: list({ listType: 'set', items: scalar('string') }),
  ownerReferences: list({ listType: 'map', listMapKeys: ['uid'], items: { ...OWNER, mapType: 'atomic' } }),
});

const roots = new WeakMap<TypeSchema, TypeSchema>();

/** The schema of a whole object, with `metadata` as every kind has it. */
export const objectSchema = (schema: TypeSchema): TypeSchema => {
  if (schema.properties?.get('metadata')?.properties !== undefined) return schema;
  const known = roots.get(schema);
  if (known !== undefined) return known;
  const { mapType: _mapType, ...rest } = schema;
  const root: TypeSchema = Object.freeze({
    ...rest,
    properties: new Map([...(schema.properties ?? []), ['metadata', METADATA] as const]),
  });
  roots.set(schema, root);
  return root;
};
