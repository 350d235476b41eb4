/** The longest time of one timer of Node.js; more would be none at all. */
const LONGEST_MS = 2 ** 31 - 1;

/** Resolves after `ms` milliseconds; rejects with the signal's reason when it fires first. */
export async function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  let left = ms;
  for (; left > LONGEST_MS; left -= LONGEST_MS) await waitOnce(LONGEST_MS, signal);
  await waitOnce(left, signal);
}

function waitOnce(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
