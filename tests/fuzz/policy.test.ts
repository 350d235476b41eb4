import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe } from './report.ts';
import { runCases } from './run.ts';
import { shrink } from './shrink.ts';

/** Random policies and calls: the evaluator, the specifications read plainly, and the real Envoy say the same. */

const FIXED = 20_090_813;
const FRESH = Math.floor(Math.random() * 2 ** 31);

for (const [name, seed] of [
  ['a fixed seed', FIXED],
  [`the fresh seed ${FRESH}`, FRESH],
] as const) {
  test(`evaluator, specification and Envoy agree from ${name}`, async () => {
    const { cases, allowed, mismatches } = await runCases(seed, 1500);
    const [first] = mismatches;
    if (first !== undefined)
      assert.fail(`seed ${seed}: ${mismatches.length} mismatches\n${describe(await shrink(first))}`);
    assert.ok(cases >= 1500);
    // Worlds in which nothing goes through would prove little.
    assert.ok(allowed > cases / 30, `only ${allowed} of ${cases} calls went through`);
  });
}
