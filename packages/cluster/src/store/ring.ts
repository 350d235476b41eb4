import type { StoredObject } from './stored-object.ts';

/** One change of one object. For DELETED, `current` is the last state, at the revision of the deletion. */
export interface StoreEvent {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly current: StoredObject;
  /** State before the change: what decides whether the object leaves or enters a watch's selection. */
  readonly previous?: StoredObject;
}

/**
 * The newest changes of one resource type, oldest first. Watches read it by revision and keep no queue of their own,
 * so that a slow reader costs nothing but its place: once the ring has passed it by, it is told `Expired`.
 */
export class EventRing {
  readonly #capacity: number;
  #events: StoreEvent[] = [];
  /** Revision up to which changes may have been forgotten. */
  #forgotten: number;

  constructor(capacity: number, startRevision: number) {
    this.#capacity = capacity;
    this.#forgotten = startRevision;
  }

  /** Oldest revision from which a watch can be resumed. */
  get oldest(): number {
    return this.#forgotten;
  }

  push(event: StoreEvent): void {
    this.#events.push(event);
    // Trim in chunks, so that a push is amortised constant time.
    if (this.#events.length >= this.#capacity * 2) this.#trim(this.#events.length - this.#capacity);
  }

  /** Forgets every change up to and including `revision`. */
  compact(revision: number): void {
    this.#trim(this.#indexAfter(revision));
    this.#forgotten = Math.max(this.#forgotten, revision);
  }

  /** Changes after `revision`, at most `limit`; `undefined` when some of them are forgotten. */
  since(revision: number, limit = Number.POSITIVE_INFINITY): readonly StoreEvent[] | undefined {
    if (revision < this.#forgotten) return undefined;
    const start = this.#indexAfter(revision);
    return this.#events.slice(start, Math.min(this.#events.length, start + limit));
  }

  #trim(count: number): void {
    const last = this.#events[count - 1];
    if (last === undefined) return;
    this.#forgotten = Math.max(this.#forgotten, last.revision);
    this.#events = this.#events.slice(count);
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
