import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { EMPTY_SET, type FieldSet, isEmptySet, type MutableFieldSet } from './field-set.ts';
import { type AssociativeShape, itemsByElement } from './keyed-items.ts';
import { PatchError } from './patch-error.ts';
import { fieldElement } from './path-element.ts';
import { fieldSchema, isNamedField, type Shape, shapeOf } from './shape.ts';

/** What a value is taken for: a leaf, or a container with items. */
type Content =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'map'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'items'; readonly shape: AssociativeShape; readonly list: readonly unknown[] };

const LEAF: Content = Object.freeze({ kind: 'leaf' });

/** Empty maps and lists are leaves: that somebody wants them empty is all there is to own. */
export const contentOf = (schema: TypeSchema, value: unknown): Content => {
  const shape: Shape = shapeOf(schema, value);
  if (shape.kind === 'leaf') return LEAF;
  if (shape.kind === 'map') {
    const fields = value as Readonly<Record<string, unknown>>;
    return isEmptyRecord(fields) ? LEAF : { kind: 'map', fields };
  }
  const list = value as readonly unknown[];
  return list.length === 0 ? LEAF : { kind: 'items', shape, list };
};

const isEmptyRecord = (value: object): boolean => {
  for (const _ in value) return false;
  return true;
};

const NOTHING: TypeSchema = Object.freeze({ openapi: {} });

/** Schema of the items of a list. */
export const itemSchema = (shape: AssociativeShape): TypeSchema => (shape.kind === 'keyed' ? shape.items : NOTHING);

/** Every path of a value that appears or goes as a whole: leaves, and the containers around them. */
export const allFields = (schema: TypeSchema, value: unknown): FieldSet => {
  const content = contentOf(schema, value);
  if (content.kind === 'leaf') return EMPTY_SET;
  const node: MutableFieldSet = { '.': {} };
  if (content.kind === 'map') {
    for (const [name, item] of Object.entries(content.fields))
      if (item !== undefined) node[fieldElement(name)] = allFields(fieldSchema(schema, name), item) as MutableFieldSet;
    return node;
  }
  const items = itemsByElement(content.shape, content.list);
  if (items === undefined) return EMPTY_SET;
  const inner = itemSchema(content.shape);
  for (const [element, [item]] of items) node[element] = allFields(inner, item) as MutableFieldSet;
  return node;
};

/**
 * The paths that an applied configuration claims: its leaves, the items of its keyed lists and sets, and the keys of its free
 * maps; not the structures around them. Throws PatchError for an item without keys and for duplicates.
 */
export const appliedFields = (schema: TypeSchema, value: unknown, path: string): FieldSet => {
  const content = contentOf(schema, value);
  if (content.kind === 'leaf') return EMPTY_SET;
  return content.kind === 'map' ? mapFields(schema, content.fields, path) : listFields(content, path);
};

const mapFields = (schema: TypeSchema, fields: Readonly<Record<string, unknown>>, path: string): FieldSet => {
  const node: MutableFieldSet = {};
  for (const [name, item] of Object.entries(fields)) {
    if (item === undefined) continue;
    const child = appliedFields(fieldSchema(schema, name), item, `${path}.${name}`) as MutableFieldSet;
    // An inner map that is a key of a free map is claimed itself.
    const claims = !isNamedField(schema, name) && isRecord(item) && !isEmptySet(child);
    node[fieldElement(name)] = claims ? { '.': {}, ...child } : child;
  }
  return node;
};

const listFields = (content: Extract<Content, { kind: 'items' }>, path: string): FieldSet => {
  const items = itemsByElement(content.shape, content.list);
  if (items === undefined) {
    const keys = content.shape.kind === 'keyed' ? content.shape.keys.join(', ') : '';
    throw new PatchError(`${path}: an item of the list has none of the keys: ${keys}`);
  }
  const node: MutableFieldSet = {};
  const inner = itemSchema(content.shape);
  for (const [element, [item, duplicate]] of items) {
    if (duplicate !== undefined) throw new PatchError(`${path}: duplicate entries for key ${element.slice(2)}`);
    const child = appliedFields(inner, item, `${path}[${element.slice(2)}]`) as MutableFieldSet;
    node[element] = isEmptySet(child) ? {} : { '.': {}, ...child };
  }
  return node;
};
