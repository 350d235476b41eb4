import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOf, humanDuration } from './duration.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('ages read as kubectl writes them', () => {
  const cases: readonly [number, string][] = [
    [-5000, '<invalid>'],
    [-500, '0s'],
    [0, '0s'],
    [119_999, '119s'],
    [2 * MINUTE, '2m'],
    [9 * MINUTE + 59_000, '9m59s'],
    [10 * MINUTE + 5000, '10m'],
    [179 * MINUTE, '179m'],
    [3 * HOUR, '3h'],
    [7 * HOUR + 59 * MINUTE, '7h59m'],
    [8 * HOUR + 5 * MINUTE, '8h'],
    [47 * HOUR, '47h'],
    [2 * DAY, '2d'],
    [7 * DAY + 3 * HOUR, '7d3h'],
    [8 * DAY + 3 * HOUR, '8d'],
    [700 * DAY, '700d'],
    [731 * DAY, '2y1d'],
    [3650 * DAY, '10y'],
  ];
  for (const [ms, expected] of cases) assert.equal(humanDuration(ms), expected, `${ms} ms`);
});

test('a missing timestamp has no age', () => {
  assert.equal(ageOf(undefined, new Date()), '<unknown>');
  assert.equal(ageOf('2026-01-01T00:00:00Z', new Date('2026-01-01T00:00:30Z')), '30s');
});
