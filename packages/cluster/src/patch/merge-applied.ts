import type { TypeSchema } from '../types.ts';
import { type AssociativeShape, itemsByElement } from './keyed-items.ts';
import { itemSchema } from './own-fields.ts';
import type { PathElement } from './path-element.ts';
import { fieldSchema, shapeOf } from './shape.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The live value with what is applied on top. Maps are merged by field, keyed lists and sets by item in the applied order, with
 * the other items where they were; all else is replaced. A part that does not change is shared with `live`.
 */
export const mergeApplied = (schema: TypeSchema, live: unknown, applied: unknown): unknown => {
  const shape = shapeOf(schema, applied);
  if (live === undefined || live === null || shape.kind === 'leaf' || shapeOf(schema, live).kind !== shape.kind)
    return applied;
  if (shape.kind === 'map') return mergeMaps(schema, live as Fields, applied as Fields);
  return mergeLists(shape, live as readonly unknown[], applied as readonly unknown[]);
};

const mergeMaps = (schema: TypeSchema, live: Fields, applied: Fields): Fields => {
  const result: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(applied))
    if (value !== undefined && name !== '__proto__')
      result[name] = mergeApplied(fieldSchema(schema, name), live[name], value);
  return result;
};

const mergeLists = (
  shape: AssociativeShape,
  live: readonly unknown[],
  applied: readonly unknown[],
): readonly unknown[] => {
  const wanted = itemsByElement(shape, applied);
  const present = itemsByElement(shape, live);
  if (wanted === undefined || present === undefined) return applied;
  const schema = itemSchema(shape);
  const result: unknown[] = [];
  const done = new Set<PathElement>();
  const put = (element: PathElement): void => {
    if (done.has(element)) return;
    done.add(element);
    const [item] = wanted.get(element) ?? [];
    const old = present.get(element) ?? [];
    // Duplicates that are there already are none of the applier's business, unless he applies the item.
    if (item === undefined) result.push(...old);
    else result.push(mergeApplied(schema, old[0], item));
  };
  const queue = [...wanted.keys()];
  let next = 0;
  for (const element of present.keys()) {
    if (!wanted.has(element)) put(element);
    else {
      // The applied order counts: everything that is to stand before this item goes before it.
      const position = queue.indexOf(element, next);
      if (position < 0) continue;
      for (const before of queue.slice(next, position + 1)) put(before);
      next = position + 1;
    }
  }
  for (const element of queue.slice(next)) put(element);
  return result;
};
