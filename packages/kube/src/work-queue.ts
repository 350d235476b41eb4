import { waitFor } from './wait.ts';

/** What a work queue does with a key. */
export interface WorkQueueOptions {
  /** Does what the key stands for. Never runs twice at once for the same key. Rejecting tries again after a back-off. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<void>;
  /** Keys worked on at once; default 1. */
  readonly concurrency?: number;
  /** First and longest wait after failures in a row of one key, doubling; default 100 ms to 60 s. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
  /** Told of every failure, with the milliseconds until the next try. */
  readonly onError?: (key: string, error: unknown, retryMs: number) => void;
  /** Waits; for tests. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Keys that want work, each at most once. */
export interface WorkQueue {
  /** Wants the key worked on, soon. While it is being worked on: once more afterwards. */
  add(key: string): void;
  /** The same after `ms` milliseconds; of several times the earliest counts. */
  addAfter(key: string, ms: number): void;
  /** Resolves when no key is worked on or wants to be now; keys that wait for their time do not count. */
  idle(): Promise<void>;
  /** Aborts what runs, forgets what waits; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

const BACKOFF = Object.freeze({ baseMs: 100, capMs: 60_000 });

/** Makes a work queue. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

interface Delay {
  readonly dueAt: number;
  readonly cancel: AbortController;
}

class KeyedQueue implements WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #stopping = new AbortController();
  /** Sets keep the order of arrival. */
  readonly #ready = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #delays = new Map<string, Delay>();
  readonly #failures = new Map<string, number>();
  #idleWaiters: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopping.signal.aborted) return;
    this.#undelay(key);
    if (this.#running.has(key)) this.#again.add(key);
    else this.#ready.add(key);
    this.#fill();
  }

  addAfter(key: string, ms: number): void {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const dueAt = performance.now() + ms;
    const present = this.#delays.get(key);
    if (present && present.dueAt <= dueAt) return;
    this.#undelay(key);
    const delay: Delay = { dueAt, cancel: new AbortController() };
    this.#delays.set(key, delay);
    (this.#options.wait ?? waitFor)(ms, delay.cancel.signal).then(
      () => {
        if (this.#delays.get(key) === delay) this.add(key);
      },
      () => {},
    );
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#tellIdle();
    });
  }

  stop(): Promise<void> {
    this.#stopping.abort(new Error('the work queue is stopped'));
    this.#ready.clear();
    this.#again.clear();
    for (const key of [...this.#delays.keys()]) this.#undelay(key);
    return this.idle();
  }

  #undelay(key: string): void {
    this.#delays.get(key)?.cancel.abort();
    this.#delays.delete(key);
  }

  #fill(): void {
    for (const key of this.#ready) {
      if (this.#running.size >= (this.#options.concurrency ?? 1)) return;
      this.#ready.delete(key);
      this.#running.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    const { signal } = this.#stopping;
    try {
      // Not within add(): whoever adds goes on first.
      await undefined;
      this.#again.delete(key);
      if (!signal.aborted) await this.#options.reconcile(key, signal);
      this.#failures.delete(key);
    } catch (error) {
      if (!signal.aborted) this.#retry(key, error);
    }
    this.#running.delete(key);
    if (this.#again.delete(key)) this.add(key);
    this.#fill();
    this.#tellIdle();
  }

  #retry(key: string, error: unknown): void {
    const { baseMs, capMs } = this.#options.backoff ?? BACKOFF;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const retryMs = Math.min(capMs, baseMs * 2 ** failures);
    try {
      this.#options.onError?.(key, error, retryMs);
    } catch {
      // A reporter that fails must not lose the key.
    }
    this.addAfter(key, retryMs);
  }

  #tellIdle(): void {
    if (this.#running.size > 0 || this.#ready.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
