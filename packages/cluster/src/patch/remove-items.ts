import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { below, type FieldSet, hasElement, isEmptySet } from './field-set.ts';
import { elementOf } from './keyed-items.ts';
import { itemSchema } from './own-fields.ts';
import { fieldElement } from './path-element.ts';
import { fieldSchema, shapeOf } from './shape.ts';

/**
 * The value without the paths of a set. A container that loses its last item goes too (`undefined`); atomic values are left
 * alone, since only their owner's path as a whole can remove them.
 */
export const removeItems = (schema: TypeSchema, value: unknown, gone: FieldSet): unknown => {
  if (isEmptySet(gone)) return value;
  const shape = shapeOf(schema, value);
  if (shape.kind === 'leaf') return value;
  if (shape.kind === 'map') return isRecord(value) ? removeFields(schema, value, gone) : value;
  const inner = itemSchema(shape);
  const kept: unknown[] = [];
  for (const item of value as readonly unknown[]) {
    const element = elementOf(shape, item);
    if (element === undefined) kept.push(item);
    else if (!hasElement(gone, element)) kept.push(removeItems(inner, item, below(gone, element)));
  }
  return kept.length === 0 ? undefined : kept;
};

const removeFields = (schema: TypeSchema, value: Readonly<Record<string, unknown>>, gone: FieldSet): unknown => {
  const kept: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const element = fieldElement(name);
    if (hasElement(gone, element)) continue;
    const rest = removeItems(fieldSchema(schema, name), item, below(gone, element));
    if (rest !== undefined) kept[name] = rest;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
};
