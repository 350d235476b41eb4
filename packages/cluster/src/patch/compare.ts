import { isRecord, sameJson } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { type FieldSet, insertPath, type MutableFieldSet } from './field-set.ts';
import { type AssociativeShape, itemsByElement } from './keyed-items.ts';
import { allFields, itemSchema } from './own-fields.ts';
import { fieldElement, type PathElement } from './path-element.ts';
import { fieldSchema, shapeOf } from './shape.ts';

/** How two states of an object differ. */
export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

interface Walk {
  readonly added: MutableFieldSet;
  readonly removed: MutableFieldSet;
  readonly modified: MutableFieldSet;
  /** Where the walk is; pushed and popped. */
  readonly path: PathElement[];
}

/** Compares two states path by path. Parts that are the same object are not looked into. */
export const compare = (schema: TypeSchema, before: object, after: object): Comparison => {
  const walk: Walk = { added: {}, removed: {}, modified: {}, path: [] };
  compareFields(walk, schema, before as Readonly<Record<string, unknown>>, after as Readonly<Record<string, unknown>>);
  return walk;
};

const compareAt = (walk: Walk, element: PathElement, schema: TypeSchema, before: unknown, after: unknown): void => {
  if (before === after) return;
  walk.path.push(element);
  if (before === undefined) insertPath(walk.added, walk.path, allFields(schema, after));
  else if (after === undefined) insertPath(walk.removed, walk.path, allFields(schema, before));
  else compareValues(walk, schema, before, after);
  walk.path.pop();
};

const compareValues = (walk: Walk, schema: TypeSchema, before: unknown, after: unknown): void => {
  // null is the empty value of either shape: what the other side holds comes or goes item by item.
  const left = before ?? (Array.isArray(after) ? [] : isRecord(after) ? {} : before);
  const right = after ?? (Array.isArray(before) ? [] : isRecord(before) ? {} : after);
  const shape = shapeOf(schema, left);
  const other = shapeOf(schema, right);
  if (shape.kind === 'leaf' || shape.kind !== other.kind || (isEmpty(left) && isEmpty(right))) {
    if (!sameJson(before, after)) insertPath(walk.modified, walk.path);
  } else if (shape.kind === 'map') {
    compareFields(walk, schema, left as Readonly<Record<string, unknown>>, right as Readonly<Record<string, unknown>>);
  } else {
    compareItems(walk, shape, left as readonly unknown[], right as readonly unknown[]);
  }
};

const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;

const compareFields = (
  walk: Walk,
  schema: TypeSchema,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): void => {
  for (const name of Object.keys(before))
    compareAt(walk, fieldElement(name), fieldSchema(schema, name), before[name], after[name]);
  for (const name of Object.keys(after))
    if (before[name] === undefined)
      compareAt(walk, fieldElement(name), fieldSchema(schema, name), undefined, after[name]);
};

const compareItems = (
  walk: Walk,
  shape: AssociativeShape,
  before: readonly unknown[],
  after: readonly unknown[],
): void => {
  const left = itemsByElement(shape, before);
  const right = itemsByElement(shape, after);
  if (left === undefined || right === undefined) {
    if (!sameJson(before, after)) insertPath(walk.modified, walk.path);
    return;
  }
  const schema = itemSchema(shape);
  for (const [element, items] of left) {
    const others = right.get(element);
    if (others === undefined || (items.length === 1 && others.length === 1))
      compareAt(walk, element, schema, items[0], others?.[0]);
    else if (!sameJson(items, others)) insertPath(walk.modified, [...walk.path, element]);
  }
  for (const [element, items] of right) if (!left.has(element)) compareAt(walk, element, schema, undefined, items[0]);
};
