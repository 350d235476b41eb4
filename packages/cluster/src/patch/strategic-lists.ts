import { isRecord, sameJson } from '../store/fields.ts';
import { PatchError } from './patch-error.ts';

/** What a list item of a strategic merge patch asks for besides its fields. */
export const PATCH = '$patch';

/** Tells list items apart: objects by their merge key, everything else by value. */
export const sameItem = (mergeKey: string | undefined, left: unknown, right: unknown): boolean => {
  if (mergeKey === undefined || !isRecord(left) || !isRecord(right)) return sameJson(left, right);
  return sameJson(left[mergeKey], right[mergeKey]);
};

const includes = (list: readonly unknown[], mergeKey: string | undefined, item: unknown): boolean =>
  list.some((other) => sameItem(mergeKey, other, item));

/** A list of scalars with those of the patch at its end, each once. */
export const mergeScalars = (original: readonly unknown[], patch: readonly unknown[]): readonly unknown[] => {
  const result: unknown[] = [];
  for (const item of [...original, ...patch]) if (!includes(result, undefined, item)) result.push(item);
  return result;
};

/** A list merged by key: `merge` combines an item with its patch. */
export const mergeByKey = (
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
  merge: (item: unknown, patch: Readonly<Record<string, unknown>>) => unknown,
): readonly unknown[] => {
  const items = patch.map((item) => readItem(item, mergeKey));
  const wanted = items.filter((item) => item[PATCH] === undefined || item[PATCH] === 'merge');
  if (items.some((item) => item[PATCH] === 'replace')) return wanted.map((item) => merge(undefined, item));
  const deleted = items.filter((item) => item[PATCH] === 'delete');
  const result = original.filter((item) => !includes(deleted, mergeKey, item));
  for (const item of wanted) {
    const index = result.findIndex((other) => sameItem(mergeKey, other, item));
    if (index < 0) result.push(merge(undefined, item));
    else result[index] = merge(result[index], item);
  }
  return result;
};

const readItem = (item: unknown, mergeKey: string): Readonly<Record<string, unknown>> => {
  if (!isRecord(item)) throw new PatchError(`a list that is merged by "${mergeKey}" takes objects only`);
  const directive = item[PATCH];
  if (directive !== undefined && directive !== 'delete' && directive !== 'replace' && directive !== 'merge')
    throw new PatchError(`unknown patch type: ${JSON.stringify(directive)}`);
  if (directive !== 'replace' && (item[mergeKey] === undefined || item[mergeKey] === null))
    throw new PatchError(`an item of the list does not contain the declared merge key: ${mergeKey}`);
  return item;
};

/**
 * Sorts a merged list by `$setElementOrder`: items that are named there in that order, the others where they stood relative to
 * the named ones in the original.
 */
export const orderItems = (
  merged: readonly unknown[],
  original: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] => {
  const position = (list: readonly unknown[], item: unknown) =>
    list.findIndex((other) => sameItem(mergeKey, other, item));
  const rank = (list: readonly unknown[]) => (left: unknown, right: unknown) =>
    position(list, left) - position(list, right);
  const named = merged.filter((item) => includes(order, mergeKey, item)).sort(rank(order));
  const others = merged.filter((item) => !includes(order, mergeKey, item)).sort(rank(original));
  const result: unknown[] = [];
  let next = 0;
  for (const item of others) {
    const place = position(original, item);
    while (next < named.length) {
      const known = position(original, named[next]);
      if (place >= 0 && known >= 0 && place < known) break;
      result.push(named[next]);
      next += 1;
    }
    result.push(item);
  }
  return [...result, ...named.slice(next)];
};

/** Checks that a patch's items come in the order that `$setElementOrder` names. Throws PatchError. */
export const checkOrder = (
  patch: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
  field: string,
): void => {
  let next = 0;
  for (const item of patch) {
    if (isRecord(item) && item[PATCH] !== undefined && item[PATCH] !== 'merge') continue;
    while (next < order.length && !sameItem(mergeKey, order[next], item)) next += 1;
    if (next >= order.length)
      throw new PatchError(`the order in patch list "${field}" does not match $setElementOrder/${field}`);
  }
};
