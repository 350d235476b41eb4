import { keyElement, type PathElement, valueElement } from './path-element.ts';
import type { Shape } from './shape.ts';

/** A list whose items have identities: a set, or a list keyed by fields of its items. */
export type AssociativeShape = Extract<Shape, { kind: 'set' | 'keyed' }>;

/**
 * Items by their path element, in the order of the list; more than one item under an element means duplicates. `undefined`
 * when an item has no identity, so that the list can only be taken as a whole.
 */
export const itemsByElement = (
  shape: AssociativeShape,
  list: readonly unknown[],
): ReadonlyMap<PathElement, readonly unknown[]> | undefined => {
  const items = new Map<PathElement, unknown[]>();
  for (const item of list) {
    const element = elementOf(shape, item);
    if (element === undefined) return undefined;
    const same = items.get(element);
    if (same === undefined) items.set(element, [item]);
    else same.push(item);
  }
  return items;
};

/** The path element of an item; `undefined` when it has none of the keys. */
export const elementOf = (shape: AssociativeShape, item: unknown): PathElement | undefined =>
  shape.kind === 'set' ? valueElement(item) : keyElement(shape.keys, shape.items, item);
