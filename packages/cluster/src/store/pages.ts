import type { StoredObject } from './stored-object.ts';

/** A continuation whose snapshot is gone: the client must list from the beginning (410 `Expired`). */
export class ContinueExpired extends Error {
  constructor() {
    super('the provided continue parameter is too old to display a consistent list result');
    this.name = 'ContinueExpired';
  }
}

/** A continuation token that this server did not make. */
export class ContinueInvalid extends Error {
  constructor() {
    super('continue key is not valid');
    this.name = 'ContinueInvalid';
  }
}

/** A consistent view of a list: what later pages are cut from. */
export interface ListSnapshot {
  readonly revision: number;
  readonly items: readonly StoredObject[];
}

/** One page of a list. */
export interface ListPage {
  readonly revision: number;
  readonly items: readonly StoredObject[];
  readonly continue?: string;
  readonly remaining?: number;
}

const SNAPSHOTS = 128;
const LIFETIME_MS = 5 * 60_000;

/**
 * Cuts lists into pages that all show one revision. A snapshot is a list of references, so keeping one costs little;
 * the oldest is forgotten first, and each after five minutes, as long as etcd's default compaction interval.
 */
export class ListPages {
  readonly #snapshots = new Map<string, ListSnapshot & { readonly expires: number }>();
  readonly #now: () => number;
  #serial = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The first page. `scope` names what was listed (bucket, namespace, selectors): a token is good for it only. */
  first(scope: string, snapshot: ListSnapshot, limit: number): ListPage {
    if (limit <= 0 || snapshot.items.length <= limit) return snapshot;
    this.#serial += 1;
    const id = `${this.#serial}-${snapshot.revision}`;
    this.#forgetOld();
    this.#snapshots.set(`${scope}|${id}`, { ...snapshot, expires: this.#now() + LIFETIME_MS });
    return this.#cut(id, snapshot, 0, limit);
  }

  /** The page at `token`. Throws {@link ContinueExpired} or {@link ContinueInvalid}. */
  next(scope: string, token: string, limit: number): ListPage {
    const { id, offset } = readToken(token);
    const snapshot = this.#snapshots.get(`${scope}|${id}`);
    if (snapshot === undefined || snapshot.expires < this.#now()) throw new ContinueExpired();
    return this.#cut(id, snapshot, offset, limit);
  }

  /** Forgets every snapshot, as a compaction does. */
  clear(): void {
    this.#snapshots.clear();
  }

  #cut(id: string, snapshot: ListSnapshot, offset: number, limit: number): ListPage {
    const end = limit <= 0 ? snapshot.items.length : Math.min(snapshot.items.length, offset + limit);
    const remaining = snapshot.items.length - end;
    const page = { revision: snapshot.revision, items: snapshot.items.slice(offset, end) };
    if (remaining <= 0) return page;
    const token = Buffer.from(JSON.stringify({ v: 1, id, offset: end })).toString('base64url');
    return { ...page, continue: token, remaining };
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [key, snapshot] of this.#snapshots) {
      if (snapshot.expires >= now && this.#snapshots.size < SNAPSHOTS) break;
      this.#snapshots.delete(key);
    }
  }
}

const readToken = (token: string): { id: string; offset: number } => {
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString()) as {
      v: unknown;
      id: unknown;
      offset: unknown;
    };
    if (
      value.v === 1 &&
      typeof value.id === 'string' &&
      Number.isSafeInteger(value.offset) &&
      Number(value.offset) >= 0
    )
      return { id: value.id, offset: Number(value.offset) };
  } catch {
    // Not base64url, not JSON: told below.
  }
  throw new ContinueInvalid();
};
