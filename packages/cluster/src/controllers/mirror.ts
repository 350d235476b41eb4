import {
  ApiError,
  type Change,
  type Informer,
  type KubeClient,
  type KubeObject,
  objectKey,
  type PatchType,
} from '@osm/kube';
import { ObjectIndex } from './object-index.ts';
import { rfc3339 } from './time.ts';

/** Own writes that no watch event has confirmed after this time are given up in favour of the informer's view. */
const CONFIRM_MS = 10_000;

/** Revisions are decimal numbers that grow with each write (KEP-5504, "Comparable resource version"). */
const revisionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion ?? 0);

interface Unconfirmed {
  readonly since: number;
  /** True for a state that no answer of the server has shown: it is replaced by any newer event, or taken back. */
  readonly assumed: boolean;
}

/**
 * A cache of one resource type that reads its own writes: what a controller has written is seen at once, by all controllers,
 * and never undone by an event that is older. Controllers that decide by counting objects therefore never count too few.
 */
export class Mirror<T extends KubeObject = KubeObject> {
  readonly informer: Informer<T>;
  readonly #client: KubeClient;
  readonly #objects = new Map<string, T>();
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  readonly #indexes: ObjectIndex<T>[] = [];
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #unsubscribe: () => void;
  #seen = 0;
  #sweep: NodeJS.Timeout | undefined;

  /** Follows `informer`; writes go through `client`. */
  constructor(client: KubeClient, informer: Informer<T>) {
    this.#client = client;
    this.informer = informer;
    this.#unsubscribe = informer.subscribe((change) => this.#observe(change));
  }

  get synced(): Promise<void> {
    return this.informer.synced;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** All objects by key. */
  get objects(): ReadonlyMap<string, T> {
    return this.#objects;
  }

  /** Adds an index over the values that `valuesOf` gives of each object. */
  index(valuesOf: (object: T) => readonly string[]): ObjectIndex<T> {
    const index = new ObjectIndex<T>(valuesOf);
    for (const [key, object] of this.#objects) index.put(key, undefined, object);
    this.#indexes.push(index);
    return index;
  }

  /** Calls back for every present object (as added), then for each change. Returns the unsubscribe function. */
  subscribe(listener: (change: Change<T>) => void): () => void {
    for (const object of this.#objects.values()) listener({ type: 'added', object });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Rejects with ApiError, as every write. */
  async create(object: object & { readonly metadata: { readonly namespace?: string } }): Promise<T> {
    const { namespace } = object.metadata;
    const written = await this.#client.create<T>(
      this.informer.type,
      object,
      namespace === undefined ? {} : { namespace },
    );
    this.#written(written);
    return written;
  }

  /** Replaces the object if it is still the one given (its resourceVersion goes along). */
  async update(object: T, subresource?: 'status'): Promise<T> {
    const written = await this.#client.update<T>(this.informer.type, object, optionsOf(object, subresource));
    this.#written(written);
    return written;
  }

  /** Replaces the status of the object. */
  updateStatus(object: T, status: unknown): Promise<T> {
    return this.update({ ...object, status }, 'status');
  }

  /** Patches the object; the patch should name uid or resourceVersion when that matters. */
  async patch(object: T, kind: PatchType, body: unknown, subresource?: 'status'): Promise<T> {
    const options = optionsOf(object, subresource);
    const written = await this.#client.patch<T>(this.informer.type, object.metadata.name, kind, body, options);
    this.#written(written);
    return written;
  }

  /** Deletes this very object (uid precondition); one that is gone already is no fault. From now on it counts as terminating. */
  async delete(
    object: T,
    options: { gracePeriodSeconds?: number; propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' } = {},
  ): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    const undo = this.assume({
      ...object,
      metadata: { ...object.metadata, deletionTimestamp: object.metadata.deletionTimestamp ?? rfc3339(Date.now()) },
    });
    try {
      await this.#client.delete(this.informer.type, name, {
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
        ...options,
      });
    } catch (error) {
      // A conflict can only be the uid: another object of the same name has taken its place.
      if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return;
      undo();
      throw error;
    }
  }

  /** Shows `object` until the server tells something newer. Returns what takes it back. */
  assume(object: T): () => void {
    const key = objectKey(object);
    const present = this.#objects.get(key);
    if (present === undefined || present.metadata.uid !== object.metadata.uid) return () => {};
    this.#await(key, true);
    this.#put(key, object);
    return () => {
      if (this.#objects.get(key) === object) this.#resync(key);
    };
  }

  stop(): void {
    clearTimeout(this.#sweep);
    this.#unsubscribe();
    this.informer.stop();
  }

  #observe({ type, object }: Change<T>): void {
    const key = objectKey(object);
    const revision = revisionOf(object);
    this.#seen = Math.max(this.#seen, revision);
    const present = this.#objects.get(key);
    if (type === 'deleted') {
      const replaced = present?.metadata.uid !== object.metadata.uid && revision < revisionOf(present ?? object);
      if (present !== undefined && !replaced) this.#remove(key, object);
      return;
    }
    if (present !== undefined && revision <= revisionOf(present)) {
      const pending = this.#unconfirmed.get(key);
      if (revision === revisionOf(present) && pending?.assumed === false) this.#unconfirmed.delete(key);
      return;
    }
    this.#unconfirmed.delete(key);
    this.#put(key, object);
  }

  /** Takes up the server's answer to a write. */
  #written(object: T): void {
    const key = objectKey(object);
    const revision = revisionOf(object);
    const present = this.#objects.get(key);
    const least = revisionOf(present ?? object);
    if (revision < least || (revision === least && present !== undefined && !this.#unconfirmed.get(key)?.assumed))
      return;
    // The informer is past this write: it has shown it, or the object's end, before the answer came.
    if (revision <= this.#seen && this.informer.get(key)?.metadata.uid !== object.metadata.uid) return;
    if (isOver(object)) return;
    this.#await(key, false);
    this.#put(key, object);
  }

  #put(key: string, object: T): void {
    const old = this.#objects.get(key);
    if (old !== undefined && old.metadata.uid !== object.metadata.uid) this.#remove(key, old);
    const replaced = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes) index.put(key, replaced, object);
    this.#tell(replaced === undefined ? { type: 'added', object } : { type: 'updated', object, old: replaced });
  }

  #remove(key: string, object: T): void {
    const old = this.#objects.get(key);
    this.#unconfirmed.delete(key);
    this.#objects.delete(key);
    for (const index of this.#indexes) index.put(key, old, undefined);
    this.#tell({ type: 'deleted', object });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Falls back to the informer's view of one object. */
  #resync(key: string): void {
    this.#unconfirmed.delete(key);
    const actual = this.informer.get(key);
    const present = this.#objects.get(key);
    if (actual !== undefined) {
      if (actual !== present) this.#put(key, actual);
    } else if (present !== undefined) this.#remove(key, present);
  }

  #await(key: string, assumed: boolean): void {
    this.#unconfirmed.set(key, { since: Date.now(), assumed });
    this.#sweep ??= setTimeout(() => this.#sweepUnconfirmed(), CONFIRM_MS).unref();
  }

  #sweepUnconfirmed(): void {
    this.#sweep = undefined;
    const limit = Date.now() - CONFIRM_MS / 2;
    for (const [key, { since }] of this.#unconfirmed) if (since <= limit) this.#resync(key);
    if (this.#unconfirmed.size > 0) this.#sweep = setTimeout(() => this.#sweepUnconfirmed(), CONFIRM_MS).unref();
  }
}

/** An update that takes the last finalizer of a deleted object away is answered with an object that is no more. */
const isOver = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (metadata.finalizers ?? []).length === 0 &&
  (metadata.deletionGracePeriodSeconds ?? 0) === 0;

const optionsOf = (object: KubeObject, subresource?: 'status') => ({
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  ...(subresource === undefined ? {} : { subresource }),
});
