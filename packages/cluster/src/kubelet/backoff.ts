import type { ObservedContainer } from './observed.ts';

/** How restarts of a crashing container are spaced; all in milliseconds. */
export interface RestartBackoff {
  /** Delay before the second restart; doubles with each further one. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** A run of this length makes the next crash count as the first. */
  readonly resetMs: number;
}

/** The kubelet's own figures: 10 s doubling to 300 s, forgotten after 10 minutes (Kubernetes docs, "Pod lifecycle"). */
export const KUBERNETES_BACKOFF: RestartBackoff = Object.freeze({ baseMs: 10_000, maxMs: 300_000, resetMs: 600_000 });

/** Milliseconds to wait after the `crashes`-th exit in a row: the first restart is at once. */
export function restartDelay(crashes: number, backoff: RestartBackoff): number {
  if (crashes <= 1) return 0;
  return Math.min(backoff.baseMs * 2 ** Math.min(crashes - 2, 30), backoff.maxMs);
}

/** The moment (ms) from which a terminated container may run again; undefined when it is not terminated. */
export function restartAt(container: ObservedContainer, backoff: RestartBackoff): number | undefined {
  if (container.state.kind !== 'terminated') return undefined;
  return container.state.finishedAt + restartDelay(container.crashes, backoff);
}

/** The crash count after an exit. */
export function crashesAfter(crashes: number, ranMs: number, backoff: RestartBackoff): number {
  return ranMs >= backoff.resetMs ? 1 : crashes + 1;
}
