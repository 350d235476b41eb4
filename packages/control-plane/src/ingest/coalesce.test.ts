import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCoalescer } from './coalesce.ts';

test('a burst becomes one run, after it is quiet', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let runs = 0;
  const coalescer = createCoalescer({ quietMs: 10, capMs: 100, run: () => runs++ });
  for (let i = 0; i < 5; i++) {
    coalescer.signal();
    t.mock.timers.tick(9);
  }
  assert.equal(runs, 0);
  t.mock.timers.tick(1);
  assert.equal(runs, 1);
  t.mock.timers.tick(1000);
  assert.equal(runs, 1);
});

test('a burst that never ends still runs every capMs', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let runs = 0;
  const coalescer = createCoalescer({ quietMs: 10, capMs: 100, run: () => runs++ });
  for (let ms = 0; ms < 350; ms += 5) {
    coalescer.signal();
    t.mock.timers.tick(5);
  }
  assert.equal(runs, 3);
});

test('stopping drops what is pending', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let runs = 0;
  const coalescer = createCoalescer({ quietMs: 10, capMs: 100, run: () => runs++ });
  coalescer.signal();
  coalescer.stop();
  t.mock.timers.tick(1000);
  assert.equal(runs, 0);
});
