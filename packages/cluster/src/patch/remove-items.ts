import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { below, difference, EMPTY_SET, type FieldSet, hasElement, isEmptySet } from './field-set.ts';
import { type AssociativeShape, elementOf } from './keyed-items.ts';
import { itemSchema } from './own-fields.ts';
import { fieldElement } from './path-element.ts';
import { fieldSchema, shapeOf } from './shape.ts';

/**
 * The value without the paths of `gone`. A container that loses its last item goes too (`undefined`), unless `wanted` asks for it
 * even when it is empty. Atomic values are left alone, since only their owner's path as a whole can remove them.
 */
export const removeItems = (schema: TypeSchema, value: unknown, gone: FieldSet, wanted: FieldSet): unknown => {
  if (isEmptySet(gone)) return value;
  const shape = shapeOf(schema, value);
  if (shape.kind === 'leaf') return value;
  if (shape.kind === 'map') return isRecord(value) ? removeFields(schema, value, gone, wanted) : value;
  const inner = itemSchema(shape);
  // An item that stays keeps what it is known by.
  const keys = keyFields(shape);
  const kept: unknown[] = [];
  for (const item of value as readonly unknown[]) {
    const element = elementOf(shape, item);
    if (element === undefined) kept.push(item);
    else if (!hasElement(gone, element))
      kept.push(removeItems(inner, item, difference(below(gone, element), keys), below(wanted, element)) ?? {});
  }
  return kept.length === 0 ? undefined : kept;
};

const keyFields = (shape: AssociativeShape): FieldSet =>
  shape.kind === 'set' ? EMPTY_SET : Object.fromEntries(shape.keys.map((key) => [fieldElement(key), EMPTY_SET]));

const removeFields = (
  schema: TypeSchema,
  value: Readonly<Record<string, unknown>>,
  gone: FieldSet,
  wanted: FieldSet,
): unknown => {
  const kept: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const element = fieldElement(name);
    if (hasElement(gone, element)) continue;
    const rest = removeItems(fieldSchema(schema, name), item, below(gone, element), below(wanted, element));
    if (rest !== undefined) kept[name] = rest;
    else if (hasElement(wanted, element)) kept[name] = Array.isArray(item) ? [] : {};
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
};
