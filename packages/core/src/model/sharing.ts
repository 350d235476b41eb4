/** Structural sharing: what did not change stays the same object, so that identity tells whether to work again. */

type Plain = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function shareArray(former: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  let same = former.length === next.length;
  let own = true;
  let known: ReadonlySet<unknown> | undefined;
  const items = next.map((item, index) => {
    // What merely moved to another place is itself, and must not be put together from parts of what was there.
    if (item !== former[index] && isObject(item)) known ??= new Set(former);
    const kept = known?.has(item) ? item : share(former[index], item);
    if (kept !== former[index]) same = false;
    if (kept !== item) own = false;
    return kept;
  });
  return same ? former : Object.freeze(own ? next : items);
}

function shareMap(
  former: ReadonlyMap<unknown, unknown>,
  next: ReadonlyMap<unknown, unknown>,
): ReadonlyMap<unknown, unknown> {
  let same = former.size === next.size;
  const items = new Map<unknown, unknown>();
  const order = former.keys();
  for (const [key, item] of next) {
    const old = former.get(key);
    const kept = share(old, item);
    // A map that tells the same in another order is another map: plans are ordered.
    if (order.next().value !== key || kept !== old || (old === undefined && !former.has(key))) same = false;
    items.set(key, kept);
  }
  return same ? former : items;
}

function shareSet(former: ReadonlySet<unknown>, next: ReadonlySet<unknown>): ReadonlySet<unknown> {
  if (former.size !== next.size) return next;
  for (const item of next) if (!former.has(item)) return next;
  return former;
}

function shareRecord(former: Plain, next: Plain): Plain {
  const keys = Object.keys(next);
  let same = Object.keys(former).length === keys.length;
  let own = true;
  const items: Record<string, unknown> = {};
  for (const key of keys) {
    const kept = share(former[key], next[key]);
    if (kept !== former[key] || !Object.hasOwn(former, key)) same = false;
    if (kept !== next[key]) own = false;
    items[key] = kept;
  }
  return same ? former : Object.freeze(own ? next : items);
}

/** Freezes a value and all that it holds. What is frozen already is taken to be frozen through. */
function freeze(value: unknown): void {
  if (!isObject(value) || Object.isFrozen(value)) return;
  if (value instanceof Map) for (const item of value.values()) freeze(item);
  else if (!(value instanceof Set)) {
    for (const item of Object.values(value)) freeze(item);
    Object.freeze(value);
  }
}

/**
 * `former` when `next` equals it; otherwise a value equal to `next` whose equal parts are those of `former`. Arrays are
 * compared by position, maps by key and order. Values are plain data: primitives, arrays, records, maps, sets. The
 * result is frozen.
 */
export function share<T>(former: T | undefined, next: T): T {
  if (former === next) return next;
  if (isObject(former) && isObject(next)) {
    if (Array.isArray(former) && Array.isArray(next)) return shareArray(former, next) as T;
    if (former instanceof Map && next instanceof Map) return shareMap(former, next) as T;
    if (former instanceof Set && next instanceof Set) return shareSet(former, next) as T;
    if (Object.getPrototypeOf(former) === Object.prototype && Object.getPrototypeOf(next) === Object.prototype) {
      return shareRecord(former as Plain, next as Plain) as T;
    }
  }
  freeze(next);
  return next;
}

/** `former` when every field of `next` is the very same; otherwise `next`, frozen. For records of shared parts. */
export function sameParts<T extends object>(former: T | undefined, next: T): T {
  if (former !== undefined) {
    const keys = Object.keys(next) as (keyof T)[];
    const same = keys.length === Object.keys(former).length && keys.every((key) => former[key] === next[key]);
    if (same) return former;
  }
  return Object.freeze(next);
}

/** A value computed from others, and from which. */
export interface Stage<Inputs extends unknown[], T> {
  readonly inputs: Inputs;
  readonly output: T;
}

/** The former output while every input is the same as it was; otherwise a new one that shares what it can. */
export function stage<Inputs extends unknown[], T>(
  former: Stage<Inputs, T> | undefined,
  inputs: [...Inputs],
  compute: (...inputs: Inputs) => T,
): Stage<Inputs, T> {
  if (former?.inputs.every((input, index) => input === inputs[index])) return former;
  return { inputs, output: share(former?.output, compute(...inputs)) };
}
