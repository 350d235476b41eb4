import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invalid, required } from './fault.ts';
import { newFaults } from './ratchet.ts';

test('faults that were there before are no faults of an update', () => {
  const [a, b] = [required('spec.a'), invalid('spec.b', 1, 'too small')];
  assert.deepEqual(newFaults([a, b], undefined), [a, b]);
  assert.deepEqual(
    newFaults([a, b], () => [a]),
    [b],
  );
  assert.deepEqual(
    newFaults([b], () => [invalid('spec.b', 2, 'too small')]),
    [b],
  );
  assert.deepEqual(
    newFaults([], () => assert.fail('not asked')),
    [],
  );
});
