/** Random choices that a seed repeats. */
export interface Draw {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  /** True in `percent` of all cases. */
  chance(percent: number): boolean;
  /** One of a list that is not empty. */
  one<T>(list: readonly T[]): T;
  /** Each of a list with the given chance, in the list's order. */
  some<T>(list: readonly T[], percent: number): T[];
  /** `from` to `to` things. */
  times<T>(from: number, to: number, make: (index: number) => T): T[];
}

/** Choices from a seed (mulberry32: 32 bits of state, enough for tests, and the same on every machine). */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const chance = (percent: number): boolean => next() * 100 < percent;
  return {
    below,
    chance,
    one: (list) => list[below(list.length)]!,
    some: (list, percent) => list.filter(() => chance(percent)),
    times: (from, to, make) => Array.from({ length: from + below(to - from + 1) }, (_, index) => make(index)),
  };
}
