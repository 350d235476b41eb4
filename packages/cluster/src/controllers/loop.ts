import { createWorkQueue, type WorkQueue } from '@osm/kube';
import { isExpected } from './api-faults.ts';
import type { Controller, ControllerContext } from './context.ts';

/** What turns a key into writes. */
export interface LoopOptions {
  /** For the log, such as `replicaset`. */
  readonly name: string;
  /** Keys looked at side by side; one key never twice at a time. Default 16. */
  readonly concurrency?: number;
  /** Looks at one object. Resolves to the milliseconds after which to look again, if at all; what it throws is tried again. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<number | undefined>;
}

/** The thin part of a controller: keys in, {@link LoopOptions.reconcile} called, failures tried again with a back-off. */
export type Loop = Controller & Pick<WorkQueue, 'add' | 'addAfter'>;

/** Longest delay of a timer; what is further off is looked at in between. */
const LONGEST_MS = 2 ** 30;
const BACKOFF = Object.freeze({ baseMs: 10, capMs: 30_000 });

/** Starts a loop. */
export const startLoop = (context: ControllerContext, { name, concurrency = 16, reconcile }: LoopOptions): Loop => {
  const log = context.log.child({ controller: name });
  const queue = createWorkQueue({
    concurrency,
    backoff: BACKOFF,
    reconcile: async (key, signal) => {
      await context.ready;
      if (signal.aborted) return;
      const again = await reconcile(key, signal);
      if (again !== undefined) queue.addAfter(key, Math.min(Math.max(again, 1), LONGEST_MS));
    },
    onError: (key, error, retryMs) => {
      if (isExpected(error)) log.debug({ key, retryMs, err: error }, 'will be tried again');
      else log.warn({ key, retryMs, err: error }, 'will be tried again');
    },
  });
  return queue;
};
