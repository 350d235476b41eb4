import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { blocks, decide, isOrphaning, isWaitingForDependents, type OwnerState } from './decide.ts';

const owned = (owners: readonly string[], more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'a',
    ownerReferences: owners.map((uid) => ({ apiVersion: 'v1', kind: 'Pod', name: uid, uid, blockOwnerDeletion: true })),
    ...more,
  },
});

describe('garbage collector', () => {
  it('decides by the state of the owners', () => {
    const cases: readonly [
      name: string,
      states: readonly OwnerState[],
      finalizers: readonly string[],
      dependents: boolean,
      expected: object,
    ][] = [
      ['no owner', [], [], false, { action: 'keep' }],
      ['its owner is there', ['present'], [], true, { action: 'keep' }],
      ['its owner is gone', ['absent'], [], true, { action: 'delete', policy: 'Background' }],
      ['one of two is gone', ['absent', 'present'], [], false, { action: 'disown', uids: ['0'] }],
      ['one of two waits', ['present', 'waiting'], [], false, { action: 'disown', uids: ['1'] }],
      ['its owner waits, it has none of its own', ['waiting'], [], false, { action: 'delete', policy: 'Background' }],
      ['its owner waits, it has dependents', ['waiting'], [], true, { action: 'delete', policy: 'Foreground' }],
      ['it says orphan', ['absent'], ['orphan'], true, { action: 'delete', policy: 'Orphan' }],
      ['it says foreground', ['absent'], ['foregroundDeletion'], true, { action: 'delete', policy: 'Foreground' }],
    ];
    for (const [name, states, finalizers, dependents, expected] of cases) {
      const object = owned(
        states.map((_, index) => String(index)),
        { finalizers },
      );
      assert.deepEqual(
        decide(object, ({ uid }) => states[Number(uid)] ?? 'present', dependents),
        expected,
        name,
      );
    }
  });

  it('leaves alone what is being deleted already', () => {
    assert.deepEqual(
      decide(owned(['0'], { deletionTimestamp: 'now' }), () => 'absent', false),
      { action: 'keep' },
    );
  });

  it('knows by the finalizer what a deletion waits for, and who blocks it', () => {
    const going = (finalizer: string) => owned([], { deletionTimestamp: 'now', finalizers: [finalizer] });
    assert.ok(isWaitingForDependents(going('foregroundDeletion')) && !isWaitingForDependents(going('orphan')));
    assert.ok(isOrphaning(going('orphan')) && !isOrphaning(owned([], { finalizers: ['orphan'] })));
    assert.ok(blocks(owned(['x']), 'x') && !blocks(owned(['x']), 'y'));
  });
});
