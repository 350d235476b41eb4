import { createBackoff } from './backoff.ts';
import { type CacheEntry, ObjectCache, toEntry } from './object-cache.ts';
import { isClosed, isExpired } from './status.ts';
import { ApiError, type Change, type Informer, type KubeClient, type KubeObject, type ResourceType } from './types.ts';
import { waitFor } from './wait.ts';

/** What an informer shows, and how it keeps on trying. */
export interface InformerOptions<T extends KubeObject = KubeObject> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What is kept of each object (a slim copy). Key and version are taken before. */
  readonly project?: (object: KubeObject) => T;
  /**
   * Told of every failed list or watch, and of listeners that throw; the informer goes on in any case. Default: a warning of the
   * process for what keeps the first list from coming, once, and for listeners that throw.
   */
  readonly onError?: (error: unknown) => void;
  /** Objects per page; default 500. */
  readonly pageSize?: number;
  /** Default 200 ms to 30 s. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
  /** Waits between tries; for tests. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const PAGE_SIZE = 500;
const BACKOFF = Object.freeze({ baseMs: 200, capMs: 30_000 });
/** A watch that ended sooner than this without a word counts as failed. */
const SHORT_WATCH_MS = 1_000;

/**
 * Lists and watches one resource type for as long as it is not stopped
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes). Starts at once. Objects are frozen.
 * Ends with {@link Informer.stop}, or when its client is closed;
 * `synced` stays pending when that is before the first list.
 */
export function createInformer<T extends KubeObject = KubeObject>(
  client: KubeClient,
  type: ResourceType,
  options: InformerOptions<T> = {},
): Informer<T> {
  const informer = new ListWatch<T>(client, type, options);
  void informer.run();
  return informer;
}

class ListWatch<T extends KubeObject> implements Informer<T> {
  readonly type: ResourceType;
  readonly synced: Promise<void>;
  readonly #client: KubeClient;
  readonly #options: InformerOptions<T>;
  readonly #cache = new ObjectCache<T>();
  readonly #listeners = new Set<{ readonly call: (change: Change<T>) => void }>();
  readonly #stopping = new AbortController();
  #markSynced: () => void = () => {};
  #isSynced = false;
  readonly #warned = new Set<string>();

  constructor(client: KubeClient, type: ResourceType, options: InformerOptions<T>) {
    this.#client = client;
    this.type = type;
    this.#options = options;
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
  }

  get objects(): ReadonlyMap<string, T> {
    return this.#cache.objects;
  }

  get(key: string): T | undefined {
    return this.#cache.objects.get(key);
  }

  subscribe(listener: (change: Change<T>) => void): () => void {
    const entry = { call: listener };
    // What is there now is told first; a change that the listener itself causes comes after.
    const present = [...this.#cache.objects.values()];
    this.#listeners.add(entry);
    for (const object of present) {
      if (this.#listeners.has(entry)) this.#call(entry, { type: 'added', object });
    }
    return () => this.#listeners.delete(entry);
  }

  stop(): void {
    this.#stopping.abort();
    this.#listeners.clear();
  }

  /** One list, then watches from there; again from the list when the history is lost. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const wait = this.#options.wait ?? waitFor;
    const backoff = createBackoff(this.#options.backoff ?? BACKOFF);
    let version: string | undefined;
    let expiredInRow = 0;
    while (!signal.aborted) {
      try {
        version ??= await this.#list();
        const result = await this.#watch(version);
        version = result.version;
        if (result.error !== undefined) throw result.error;
        if (result.useful) {
          expiredInRow = 0;
          backoff.reset();
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isClosed(error)) return this.stop();
        this.#report(error, this.#isSynced);
        if (!mayResume(error)) version = undefined;
        // History that is lost is listed anew at once, unless that happens again and again.
        if (isExpired(error) && expiredInRow++ === 0) continue;
      }
      await wait(backoff.next(), signal).catch(() => {});
    }
  }

  /** Takes the whole list, page by page, and returns its version. */
  async #list(): Promise<string> {
    const { signal } = this.#stopping;
    const { project = (object: KubeObject) => object as T } = this.#options;
    const { selection } = this;
    let entries: CacheEntry<T>[] = [];
    let limit = this.#options.pageSize ?? PAGE_SIZE;
    let next: string | undefined;
    for (;;) {
      try {
        const page = await this.#client.list(this.type, {
          ...selection,
          signal,
          ...(limit > 0 ? { limit } : {}),
          ...(next === undefined ? {} : { continue: next }),
        });
        signal.throwIfAborted();
        for (const object of page.items) entries.push(toEntry(object, project));
        next = page.metadata.continue;
        if (next !== undefined && next !== '') continue;
        for (const change of this.#cache.replace(entries)) this.#tell(change);
        this.#isSynced = true;
        this.#markSynced();
        return page.metadata.resourceVersion;
      } catch (error) {
        if (isTooLarge(error) && limit > 1) {
          limit = Math.ceil(limit / 8);
          continue;
        }
        // Pages took longer than the server keeps them: the whole list at once cannot expire.
        if (next === undefined || !isExpired(error)) throw error;
        entries = [];
        next = undefined;
        limit = 0;
      }
    }
  }

  /** Follows one watch to its end. */
  async #watch(from: string): Promise<{ version: string; useful: boolean; error?: unknown }> {
    const { signal } = this.#stopping;
    const { project = (object: KubeObject) => object as T } = this.#options;
    const startedAt = performance.now();
    let version = from;
    let events = 0;
    try {
      for await (const event of this.#client.watch(this.type, { ...this.selection, resourceVersion: from, signal })) {
        if (signal.aborted) break;
        events += 1;
        version = event.object.metadata.resourceVersion ?? version;
        if (event.type === 'BOOKMARK') continue;
        const entry = toEntry(event.object, project);
        const changes = event.type === 'DELETED' ? this.#cache.remove(entry.key, entry.object) : this.#cache.put(entry);
        for (const change of changes) this.#tell(change);
      }
    } catch (error) {
      return { version, useful: events > 0, error };
    }
    return { version, useful: events > 0 || performance.now() - startedAt >= SHORT_WATCH_MS };
  }

  get selection(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  #tell(change: Change<T>): void {
    for (const entry of [...this.#listeners]) {
      if (this.#listeners.has(entry)) this.#call(entry, change);
    }
  }

  #call(entry: { readonly call: (change: Change<T>) => void }, change: Change<T>): void {
    try {
      entry.call(change);
    } catch (error) {
      this.#report(error);
    }
  }

  /** `usual` faults are the everyday life of a watch. */
  #report(error: unknown, usual = false): void {
    try {
      if (this.#options.onError) this.#options.onError(error);
      else if (!usual) this.#warn(error);
    } catch {
      // A reporter that fails has nobody to report to.
    }
  }

  #warn(error: unknown): void {
    const { group, resource } = this.type;
    const text = error instanceof Error ? error.message : String(error);
    const message = `watching ${resource}${group === '' ? '' : `.${group}`}: ${text}`;
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    process.emitWarning(message, 'InformerWarning');
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'AnswerTooLarge';
}

/** True when the watch can go on from where it was: the server was away or busy, its history is not. */
function mayResume(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 0 || error.code === 429 || error.code >= 500);
}
