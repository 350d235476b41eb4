import { isRecord, list, record, texts } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';

const TYPES: ReadonlySet<unknown> = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);

const LIST_TYPES: ReadonlySet<unknown> = new Set(['atomic', 'set', 'map']);

/** What a node under construction is: a TypeSchema whose fields may still be set. */
export type Draft = { -readonly [Field in keyof TypeSchema]: TypeSchema[Field] };

/** Defines a field that is computed when first read, so that recursive schemas are finite and unused ones cost nothing. */
export const lazily = <Field extends keyof TypeSchema>(
  draft: Draft,
  field: Field,
  make: () => NonNullable<TypeSchema[Field]>,
): void => {
  let value: NonNullable<TypeSchema[Field]> | undefined;
  Object.defineProperty(draft, field, {
    enumerable: true,
    get: () => {
      value ??= make();
      return value;
    },
  });
};

const known = new WeakMap<object, TypeSchema>();

const validationsOf = (raw: unknown): NonNullable<TypeSchema['validations']> =>
  list(raw)
    .filter(isRecord)
    .map((rule) => {
      const { rule: text, message, messageExpression, reason, fieldPath, optionalOldSelf } = rule;
      return Object.freeze({
        rule: typeof text === 'string' ? text : '',
        ...(typeof message === 'string' ? { message } : {}),
        ...(typeof messageExpression === 'string' ? { messageExpression } : {}),
        ...(typeof reason === 'string' ? { reason } : {}),
        ...(typeof fieldPath === 'string' ? { fieldPath } : {}),
        ...(optionalOldSelf === true ? { optionalOldSelf } : {}),
      });
    });

const readMarkers = (draft: Draft, raw: Readonly<Record<string, unknown>>): void => {
  if (raw['x-kubernetes-int-or-string'] === true) draft.intOrString = true;
  if (raw['x-kubernetes-preserve-unknown-fields'] === true) draft.preserveUnknownFields = true;
  if (raw['x-kubernetes-embedded-resource'] === true) draft.embeddedResource = true;
  const listType = raw['x-kubernetes-list-type'];
  if (LIST_TYPES.has(listType)) draft.listType = listType as 'atomic' | 'set' | 'map';
  if (Array.isArray(raw['x-kubernetes-list-map-keys'])) draft.listMapKeys = texts(raw['x-kubernetes-list-map-keys']);
  const mapType = raw['x-kubernetes-map-type'];
  if (mapType === 'atomic' || mapType === 'granular') draft.mapType = mapType;
  const rules = raw['x-kubernetes-validations'];
  if (Array.isArray(rules)) draft.validations = validationsOf(rules);
};

/**
 * Reads an OpenAPI v3 schema of a CustomResourceDefinition (apiextensions.k8s.io/v1 JSONSchemaProps). It is total: what is
 * not structural is left out here and refused by the rules of definitions. The same node always gives the same schema.
 */
export const readSchema = (raw: unknown): TypeSchema => {
  const node = record(raw);
  const present = known.get(node);
  if (present !== undefined) return present;
  const draft: Draft = { openapi: node };
  if (TYPES.has(node.type)) draft.type = node.type as NonNullable<TypeSchema['type']>;
  if (typeof node.description === 'string') draft.description = node.description;
  if (isRecord(node.properties)) {
    const entries = Object.entries(node.properties);
    lazily(draft, 'properties', () => new Map(entries.map(([name, child]) => [name, readSchema(child)])));
  }
  if (Array.isArray(node.required)) draft.required = texts(node.required);
  if (isRecord(node.items)) lazily(draft, 'items', () => readSchema(node.items));
  if (node.additionalProperties === true) draft.additionalProperties = true;
  else if (isRecord(node.additionalProperties))
    lazily(draft, 'additionalProperties', () => readSchema(node.additionalProperties));
  if (node.nullable === true) draft.nullable = true;
  if (node.default !== undefined && node.default !== null) draft.default = node.default;
  if (Array.isArray(node.enum)) draft.enum = node.enum;
  readMarkers(draft, node);
  const schema = Object.freeze(draft);
  known.set(node, schema);
  return schema;
};
