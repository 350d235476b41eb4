import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countResult, hasFailed, initialState } from './probe-state.ts';

test('the verdict turns after as many equal results in a row as the threshold says', () => {
  const probe = { successThreshold: 2, failureThreshold: 2 };
  const verdicts = (results: readonly boolean[]) => {
    let state = initialState('readiness');
    return results.map((result) => {
      state = countResult(state, result, probe);
      return state.verdict;
    });
  };
  assert.deepEqual(verdicts([true, true, false, true, false, false]), [false, true, true, true, true, false]);
});

test('liveness begins alive and fails at its threshold, 3 unless told', () => {
  let state = initialState('liveness');
  assert.equal(state.verdict, true);
  for (const expected of [false, false, true]) {
    state = countResult(state, false, {});
    assert.equal(hasFailed(state, {}), expected);
  }
});
