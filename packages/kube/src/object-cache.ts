import { deepFreeze } from './freeze.ts';
import type { Change, KubeObject } from './types.ts';

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** One object as the API server gave it: what tells it apart, and what is kept of it. */
export interface CacheEntry<T extends KubeObject> {
  readonly key: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly object: T;
}

/** Takes of an object what is kept; the rest can be collected at once. */
export function toEntry<T extends KubeObject>(object: KubeObject, project: (object: KubeObject) => T): CacheEntry<T> {
  const { uid, resourceVersion } = object.metadata;
  return { key: objectKey(object), uid, resourceVersion, object: deepFreeze(project(object)) };
}

/** The objects of one type by key. Every method that changes it tells the difference, which is empty when nothing is new. */
export class ObjectCache<T extends KubeObject> {
  /** A live view. */
  readonly objects: ReadonlyMap<string, T>;
  readonly #objects = new Map<string, T>();
  readonly #versions = new Map<
    string,
    { readonly uid: string | undefined; readonly resourceVersion: string | undefined }
  >();

  constructor() {
    this.objects = this.#objects;
  }

  /** Takes a whole list: what is missing in it has been deleted. Changes are made one by one as they are taken. */
  *replace(entries: readonly CacheEntry<T>[]): Generator<Change<T>, void, undefined> {
    const present = new Set(entries.map((entry) => entry.key));
    for (const key of [...this.#objects.keys()]) if (!present.has(key)) yield* this.remove(key);
    for (const entry of entries) yield* this.put(entry);
  }

  *put(entry: CacheEntry<T>): Generator<Change<T>, void, undefined> {
    const { key, object, uid, resourceVersion } = entry;
    const known = this.#versions.get(key);
    // The same version is the same object (API conventions, "Concurrency Control and Consistency").
    if (known && resourceVersion !== undefined && known.resourceVersion === resourceVersion && known.uid === uid)
      return;
    // Another object of the same name: the end of the first one was missed.
    if (known && known.uid !== uid) yield* this.remove(key);
    const old = this.#objects.get(key);
    this.#versions.set(key, { uid, resourceVersion });
    this.#objects.set(key, object);
    yield old === undefined ? { type: 'added', object } : { type: 'updated', object, old };
  }

  /** `last` is the final state, when it is known. */
  *remove(key: string, last?: T): Generator<Change<T>, void, undefined> {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#versions.delete(key);
    yield { type: 'deleted', object: last ?? object };
  }
}
