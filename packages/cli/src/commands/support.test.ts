import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES } from '../error-codes.ts';
import { runCommandLine } from '../testing/command-line.ts';

test('there are the 96 codes of Open Service Mesh 1.2, each with a sentence of its own', () => {
  const ranges: readonly [first: number, last: number][] = [
    [1000, 1005],
    [2000, 2011],
    [3000, 3002],
    [4000, 4016],
    [4100, 4100],
    [4150, 4153],
    [5000, 5027],
    [6100, 6114],
    [6700, 6703],
    [7000, 7005],
  ];
  const codes = ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => `E${first + i}`));
  assert.equal(codes.length, 96);
  assert.deepEqual(Object.keys(ERROR_CODES), codes);
  assert.equal(new Set(Object.values(ERROR_CODES)).size, 96);
  for (const meaning of Object.values(ERROR_CODES)) assert.match(meaning, /^[A-Z].*\.$/);
});

test('one code, in any case of letters', async () => {
  const { output } = await runCommandLine('support error-info e2007');
  assert.equal(output, 'E2007: Several TrafficSplits without matches share out the same service.\n');
});

test('all codes', async () => {
  const { output } = await runCommandLine('support error-info');
  assert.match(output, /^ERROR CODE {3}MEANING\nE1000 {8}A flag/);
  assert.equal(output.split('\n').length, 98);
});

test('a code that there is not', async () => {
  const { error, code } = await runCommandLine('support error-info E9999');
  assert.match(error ?? '', /no error code E9999/);
  assert.equal(code, 1);
});
