import { setTimeout as delay } from 'node:timers/promises';
import { ClaimFailed } from './claim-failed.ts';

/** Between two looks. */
const LOOK_MS = 25;

/**
 * Looks until `look` finds what is waited for, and resolves with it. Throws ClaimFailed after `withinMs`, naming what did not come.
 */
export async function until<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last = '';
  for (;;) {
    const found = await look().catch((error: Error) => {
      last = `: ${error.message}`;
      return undefined;
    });
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new ClaimFailed(`${what}: not within ${withinMs / 1000} s${last}`);
    await delay(LOOK_MS);
  }
}
