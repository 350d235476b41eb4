import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './testing/https-server.ts';
import { createWorkQueue } from './work-queue.ts';

/** Waits that are over when the test says so. */
function clock() {
  const waits: { readonly ms: number; readonly end: () => void; readonly signal: AbortSignal }[] = [];
  const wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      waits.push({ ms, end: resolve, signal });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  return { waits, wait };
}

/** Work that lasts until it is let go. */
function gate() {
  const open: (() => void)[] = [];
  return { open, pass: () => new Promise<void>((resolve) => open.push(resolve)) };
}

test('a key added many times is worked on once; added while worked on, once more', async () => {
  const worked: string[] = [];
  const { open, pass } = gate();
  const queue = createWorkQueue({
    reconcile: async (key) => {
      worked.push(key);
      await pass();
    },
  });
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
  await until(() => open.length === 1);
  for (const key of ['a', 'a', 'b']) queue.add(key);
  assert.deepEqual(worked, ['a']);
  while (worked.length < 3 || open.length > 0) {
    open.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await queue.idle();
  assert.deepEqual(worked, ['a', 'b', 'a']);
});

test('keys run side by side up to the bound, one key never twice at once', async () => {
  const running = new Map<string, number>();
  let most = 0;
  const queue = createWorkQueue({
    concurrency: 3,
    reconcile: async (key) => {
      assert.equal(running.get(key) ?? 0, 0);
      running.set(key, 1);
      most = Math.max(
        most,
        [...running.values()].reduce((a, b) => a + b),
      );
      await new Promise((resolve) => setImmediate(resolve));
      running.set(key, 0);
    },
    onError: (_, error) => assert.fail(String(error)),
  });
  for (let i = 0; i < 100; i++) {
    queue.add(`k${i % 7}`);
    if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await queue.idle();
  assert.equal(most, 3);
});

test('failures double the wait up to the cap, success forgets them', async () => {
  const { waits, wait } = clock();
  let failing = true;
  const told: number[] = [];
  const queue = createWorkQueue({
    wait,
    backoff: { baseMs: 100, capMs: 500 },
    reconcile: async () => {
      if (failing) throw new Error('no');
    },
    onError: (_, error, retryMs) => {
      assert.equal((error as Error).message, 'no');
      told.push(retryMs);
      throw new Error('a reporter that fails');
    },
  });
  queue.add('a');
  for (let i = 0; i < 5; i++) {
    await until(() => waits.length === i + 1);
    waits[i]?.end();
  }
  await until(() => waits.length === 6);
  failing = false;
  waits[5]?.end();
  await until(() => told.length === 6);
  await queue.idle();
  await new Promise((resolve) => setImmediate(resolve));
  await queue.idle();
  failing = true;
  queue.add('a');
  await until(() => waits.length === 7);
  assert.deepEqual(
    waits.map(({ ms }) => ms),
    [100, 200, 400, 500, 500, 500, 100],
  );
  assert.deepEqual(told, [100, 200, 400, 500, 500, 500, 100]);
});

test('of several times the earliest counts; now comes before later', async () => {
  const { waits, wait } = clock();
  const worked: string[] = [];
  const queue = createWorkQueue({ wait, reconcile: async (key) => void worked.push(key) });
  queue.addAfter('a', 5000);
  queue.addAfter('a', 9000);
  assert.equal(waits.length, 1);
  queue.addAfter('a', 1000);
  assert.deepEqual(
    waits.map(({ ms, signal }) => [ms, signal.aborted]),
    [
      [5000, true],
      [1000, false],
    ],
  );
  waits[1]?.end();
  await until(() => worked.length === 1);
  queue.addAfter('a', 1000);
  queue.add('a');
  await queue.idle();
  assert.equal(waits[2]?.signal.aborted, true);
  queue.addAfter('b', 0);
  await queue.idle();
  assert.deepEqual(worked, ['a', 'a', 'b']);
});

test('stop aborts what runs, forgets what waits, and takes nothing more', async () => {
  const { waits, wait } = clock();
  const worked: string[] = [];
  let reason: unknown;
  const queue = createWorkQueue({
    wait,
    reconcile: async (key, signal) => {
      worked.push(key);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    onError: (_, error) => {
      reason = error;
    },
  });
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 1000);
  await until(() => worked.length === 1);
  await queue.stop();
  queue.add('d');
  queue.addAfter('e', 0);
  waits[0]?.end();
  await queue.idle();
  assert.deepEqual(worked, ['a']);
  assert.equal(waits[0]?.signal.aborted, true);
  assert.equal(reason, undefined, 'being told to end is no failure');
});

test('a time beyond the reach of a timer is not now', async () => {
  const worked: string[] = [];
  const queue = createWorkQueue({ reconcile: async (key) => void worked.push(key) });
  queue.addAfter('a', 2 ** 40);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await queue.idle();
  assert.deepEqual(worked, []);
  await queue.stop();
});
