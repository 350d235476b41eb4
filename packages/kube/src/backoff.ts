/** Bounds of a back-off, milliseconds. */
export interface BackoffBounds {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Ever longer waits, until something succeeds. */
export interface Backoff {
  /** Milliseconds to wait now. */
  next(): number;
  reset(): void;
}

/**
 * Decorrelated jitter: each wait is drawn between the base and three times the wait before, up to the cap, so that clients
 * which failed together do not return together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `random` gives [0, 1).
 */
export function createBackoff({ baseMs, capMs }: BackoffBounds, random: () => number = Math.random): Backoff {
  let last = baseMs;
  return {
    next() {
      // The cap bounds the draw, not what is drawn: otherwise most would wait for just the cap, and return together.
      last = baseMs + random() * (Math.min(capMs, last * 3) - baseMs);
      return last;
    },
    reset() {
      last = baseMs;
    },
  };
}
