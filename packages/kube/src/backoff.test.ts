import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBackoff } from './backoff.ts';

test('waits stay between base and cap, and at most triple', () => {
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(draw),
      (baseMs, times, draws) => {
        const capMs = baseMs * times;
        const left = [...draws];
        const backoff = createBackoff({ baseMs, capMs }, () => left.shift() ?? 0.5);
        let last = baseMs;
        for (let i = 0; i <= draws.length; i++) {
          const ms = backoff.next();
          assert.ok(ms >= baseMs && ms <= capMs && ms <= last * 3, `${ms} after ${last}`);
          last = ms;
        }
      },
    ),
  );
});

test('with the longest draws it triples up to the cap; reset begins anew', () => {
  const backoff = createBackoff({ baseMs: 100, capMs: 2000 }, () => 1);
  const four = () => [backoff.next(), backoff.next(), backoff.next(), backoff.next()];
  assert.deepEqual(four(), [300, 900, 2000, 2000]);
  backoff.reset();
  assert.deepEqual(four(), [300, 900, 2000, 2000]);
});
