import type { KubeObject } from '@osm/kube';
import { deepFreeze } from './fields.ts';
import { StateFile } from './persistence.ts';
import { EventRing } from './ring.ts';
import type { StoredObject } from './stored-object.ts';

/** A write refused because the object is not in the state that the writer assumed. */
export class StoreConflict extends Error {
  readonly problem: 'exists' | 'missing' | 'changed';
  constructor(problem: 'exists' | 'missing' | 'changed', bucket: string, key: string) {
    super(`${bucket} ${key}: ${problem}`);
    this.name = 'StoreConflict';
    this.problem = problem;
  }
}

interface Bucket {
  readonly objects: Map<string, StoredObject>;
  /** Keys in order; rebuilt when a key came or went. */
  sorted: readonly string[] | undefined;
  readonly ring: EventRing;
  readonly listeners: Set<() => void>;
  /** Revision of the newest change in this bucket. */
  changed: number;
}

/** Where a store keeps its state and how much history it remembers. */
export interface StoreOptions {
  /** Path of the state file; `:memory:` keeps nothing. */
  readonly file: string;
  /** Changes remembered per resource type for watches (at least this many, at most twice). Default 4096. */
  readonly ringSize?: number;
}

/**
 * The objects of the cluster: in memory, by bucket (one per resource type) and key, each write persisted before it
 * becomes visible. One counter gives every write its revision, as etcd does
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 */
export class Store {
  readonly #file: StateFile;
  readonly #ringSize: number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #startRevision: number;
  #revision: number;

  /** Opens the state file and loads it. Throws StoreUnavailable when that fails. */
  constructor(options: StoreOptions) {
    this.#file = new StateFile(options.file);
    this.#ringSize = options.ringSize ?? 4096;
    // Revision 0 means "any" in requests, so the first state of an empty store is revision 1.
    this.#revision = Math.max(1, this.#file.revision());
    this.#startRevision = this.#revision;
    for (const row of this.#file.objects()) {
      const object = deepFreeze(JSON.parse(row.json) as KubeObject);
      this.#bucket(row.bucket).objects.set(row.key, { key: row.key, object, json: row.json, revision: row.revision });
    }
  }

  /** Revision of the newest write. */
  get revision(): number {
    return this.#revision;
  }

  /** Number of objects in all buckets. */
  get size(): number {
    let size = 0;
    for (const bucket of this.#buckets.values()) size += bucket.objects.size;
    return size;
  }

  get(bucket: string, key: string): StoredObject | undefined {
    return this.#buckets.get(bucket)?.objects.get(key);
  }

  /** Objects in key order; with `namespace`, only those whose key begins with it. */
  list(bucket: string, namespace?: string): readonly StoredObject[] {
    const found = this.#buckets.get(bucket);
    if (found === undefined) return [];
    found.sorted ??= [...found.objects.keys()].sort();
    const keys = namespace === undefined ? found.sorted : range(found.sorted, `${namespace}/`);
    return keys.map((key) => found.objects.get(key)).filter((item) => item !== undefined);
  }

  /** Number of objects in a bucket. */
  count(bucket: string): number {
    return this.#buckets.get(bucket)?.objects.size ?? 0;
  }

  /** Revision of the newest change in a bucket: changes exactly when its content does. */
  changedAt(bucket: string): number {
    return this.#buckets.get(bucket)?.changed ?? 0;
  }

  /** Adds an object. Throws {@link StoreConflict} `exists`, or StoreUnavailable. */
  create(bucket: string, key: string, object: KubeObject): StoredObject {
    const target = this.#bucket(bucket);
    if (target.objects.has(key)) throw new StoreConflict('exists', bucket, key);
    const stored = this.#write(bucket, key, object);
    target.sorted = undefined;
    target.objects.set(key, stored);
    this.#publish(target, { revision: stored.revision, type: 'ADDED', current: stored });
    return stored;
  }

  /** Replaces the object if it still has revision `expected`. Throws {@link StoreConflict} `missing` or `changed`. */
  replace(bucket: string, key: string, object: KubeObject, expected: number): StoredObject {
    const { target, previous } = this.#expect(bucket, key, expected);
    const stored = this.#write(bucket, key, object);
    target.objects.set(key, stored);
    this.#publish(target, { revision: stored.revision, type: 'MODIFIED', current: stored, previous });
    return stored;
  }

  /** Removes the object if it still has revision `expected`; its last state may be given. Throws as `replace`. */
  remove(bucket: string, key: string, expected: number, last?: KubeObject): StoredObject {
    const { target, previous } = this.#expect(bucket, key, expected);
    const revision = this.#revision + 1;
    this.#file.delete(bucket, key, revision);
    this.#revision = revision;
    const stored = stamp(key, last ?? previous.object, revision);
    target.objects.delete(key);
    target.sorted = undefined;
    this.#publish(target, { revision, type: 'DELETED', current: stored, previous });
    return stored;
  }

  /** Begins the history of a bucket that comes to be now: there is none from before. One that is there already stays. */
  begin(bucket: string): void {
    this.#bucket(bucket, this.#revision);
  }

  /** The bucket's history, for watches. */
  ring(bucket: string): EventRing {
    return this.#bucket(bucket).ring;
  }

  /** Calls back after each change of the bucket (the change is in its ring by then). Returns the unsubscribe function. */
  subscribe(bucket: string, listener: () => void): () => void {
    const { listeners } = this.#bucket(bucket);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Forgets the history: every watch and continuation that is not current is told `Expired`. */
  compact(): void {
    for (const bucket of this.#buckets.values()) bucket.ring.compact(this.#revision);
  }

  close(): void {
    this.#file.close();
  }

  #write(bucket: string, key: string, object: KubeObject): StoredObject {
    const stored = stamp(key, object, this.#revision + 1);
    this.#file.put({ bucket, key, revision: stored.revision, json: stored.json });
    this.#revision = stored.revision;
    return stored;
  }

  #publish(bucket: Bucket, event: Parameters<EventRing['push']>[0]): void {
    bucket.changed = event.revision;
    bucket.ring.push(event);
    for (const listener of bucket.listeners) listener();
  }

  #expect(bucket: string, key: string, expected: number): { target: Bucket; previous: StoredObject } {
    const target = this.#bucket(bucket);
    const previous = target.objects.get(key);
    if (previous === undefined) throw new StoreConflict('missing', bucket, key);
    if (previous.revision !== expected) throw new StoreConflict('changed', bucket, key);
    return { target, previous };
  }

  #bucket(name: string, since: number = this.#startRevision): Bucket {
    const found = this.#buckets.get(name);
    if (found !== undefined) return found;
    const bucket: Bucket = {
      objects: new Map(),
      sorted: undefined,
      ring: new EventRing(this.#ringSize, since),
      listeners: new Set(),
      changed: since,
    };
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

const stamp = (key: string, object: KubeObject, revision: number): StoredObject => {
  const { apiVersion, kind, metadata, ...rest } = object;
  const stamped = { apiVersion, kind, metadata: { ...metadata, resourceVersion: String(revision) }, ...rest };
  const json = JSON.stringify(stamped);
  return Object.freeze({ key, object: deepFreeze(stamped), json, revision });
};

const range = (sorted: readonly string[], prefix: string): readonly string[] => {
  const start = lowerBound(sorted, prefix);
  let end = start;
  while (end < sorted.length && sorted[end]?.startsWith(prefix)) end += 1;
  return sorted.slice(start, end);
};

const lowerBound = (sorted: readonly string[], value: string): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < value) low = middle + 1;
    else high = middle;
  }
  return low;
};
