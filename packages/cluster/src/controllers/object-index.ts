import type { KubeObject } from '@osm/kube';

/** Objects by a value that is computed of them; kept up to date by its mirror. */
export class ObjectIndex<T extends KubeObject> {
  readonly #valuesOf: (object: T) => readonly string[];
  readonly #groups = new Map<string, Map<string, T>>();

  /** `valuesOf` is pure and gives the values under which an object is found. */
  constructor(valuesOf: (object: T) => readonly string[]) {
    this.#valuesOf = valuesOf;
  }

  /** The objects with this value, in no particular order. */
  of(value: string): readonly T[] {
    return [...(this.#groups.get(value)?.values() ?? [])];
  }

  /** Number of objects with this value. */
  count(value: string): number {
    return this.#groups.get(value)?.size ?? 0;
  }

  /** Replaces the object of a key; `undefined` stands for none. */
  put(key: string, old: T | undefined, next: T | undefined): void {
    const before = old === undefined ? [] : this.#valuesOf(old);
    const after = next === undefined ? [] : this.#valuesOf(next);
    for (const value of before) {
      if (after.includes(value)) continue;
      const group = this.#groups.get(value);
      group?.delete(key);
      if (group?.size === 0) this.#groups.delete(value);
    }
    if (next === undefined) return;
    for (const value of after) {
      const group = this.#groups.get(value) ?? new Map<string, T>();
      this.#groups.set(value, group);
      group.set(key, next);
    }
  }
}
