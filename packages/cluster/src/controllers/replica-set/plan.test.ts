import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deletionOrder } from '../pods/deletion-order.ts';
import { NOW, type PodTraits, pod, replicaSet } from '../testing/objects.ts';
import { planReplicaSet } from './plan.ts';

const set = replicaSet('rs', { replicas: 2 });
const plan = (replicas: number, ...traits: readonly PodTraits[]) =>
  planReplicaSet({
    set: replicaSet('rs', { replicas }),
    candidates: traits.map((each) => pod({ owner: set, ...each })),
    nowMs: NOW,
  });

describe('ReplicaSet', () => {
  it('makes what is missing and removes what is too many', () => {
    const cases: readonly [
      name: string,
      replicas: number,
      pods: readonly PodTraits[],
      create: number,
      remove: number,
    ][] = [
      ['none yet', 3, [], 3, 0],
      ['as many as wanted', 1, [{}], 0, 0],
      ['one too many', 1, [{}, {}], 0, 1],
      ['a terminating pod does not count', 2, [{}, { terminating: true }], 1, 0],
      ['nor does one that has ended', 2, [{}, { phase: 'Failed' }], 1, 0],
      ['scaled to nothing', 0, [{}, {}], 0, 2],
    ];
    for (const [name, replicas, pods, create, remove] of cases) {
      const result = plan(replicas, ...pods);
      assert.deepEqual([result.create, result.remove.length], [create, remove], name);
    }
  });

  it('adopts a pod that it selects, releases one that it does not, leaves those of others alone', () => {
    const other = replicaSet('other');
    const orphan = pod({ name: 'orphan' });
    const stray = pod({ name: 'stray', owner: set, labels: { app: 'x' } });
    const foreign = pod({ name: 'foreign', owner: other });
    const leaving = pod({ name: 'leaving', terminating: true });
    const { claim, create } = planReplicaSet({ set, candidates: [orphan, stray, foreign, leaving], nowMs: NOW });
    assert.deepEqual([claim.adopt, claim.release, claim.owned], [[orphan], [stray], []]);
    assert.equal(create, 1, 'the adopted pod counts');
  });

  it('does nothing about pods while it is being deleted', () => {
    const going = replicaSet('rs', { replicas: 5 }, { metadata: { deletionTimestamp: 'now' } });
    const { claim, create, remove } = planReplicaSet({ set: going, candidates: [pod()], nowMs: NOW });
    assert.deepEqual([create, remove, claim.adopt], [0, [], []]);
  });

  it('counts pods as available after minReadySeconds, and says when to look again', () => {
    const slow = replicaSet('rs', { replicas: 2, minReadySeconds: 10 });
    const candidates = [pod({ owner: slow, readyAt: NOW - 10_000 }), pod({ owner: slow, readyAt: NOW - 4_000 })];
    const { status, lookAgainAt } = planReplicaSet({ set: slow, candidates, nowMs: NOW });
    assert.deepEqual([status?.readyReplicas, status?.availableReplicas], [2, 1]);
    assert.equal(lookAgainAt, NOW + 6_000);
  });

  it('writes no status that is there already', () => {
    const candidates = [pod({ owner: set }), pod({ owner: set, ready: false })];
    const first = planReplicaSet({ set, candidates, nowMs: NOW }).status;
    assert.deepEqual(first, {
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 1,
      availableReplicas: 1,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    const again = planReplicaSet({ set: { ...set, status: first }, candidates, nowMs: NOW + 60_000 });
    assert.equal(again.status, undefined);
  });

  it('shows why pods could not be made, and forgets it afterwards', () => {
    const failure = { reason: 'FailedCreate', message: 'webhook down' } as const;
    const failed = planReplicaSet({ set, candidates: [], failure, nowMs: NOW }).status;
    assert.deepEqual(failed?.conditions, [
      { type: 'ReplicaFailure', status: 'True', ...failure, lastTransitionTime: '2030-01-01T00:00:00Z' },
    ]);
    const healed = planReplicaSet({ set: { ...set, status: failed ?? {} }, candidates: [], nowMs: NOW }).status;
    assert.equal(healed?.conditions, undefined);
  });
});

describe('deletion order', () => {
  const first = (left: PodTraits, right: PodTraits): string | undefined =>
    deletionOrder([pod({ name: 'left', ...left }), pod({ name: 'right', ...right })], NOW)[0]?.metadata.name;

  it('prefers the pod whose loss matters less', () => {
    const cases: readonly [why: string, goes: PodTraits, stays: PodTraits][] = [
      ['not on a node', { node: '' }, { phase: 'Pending' }],
      ['pending', { phase: 'Pending' }, { ready: false }],
      ['not ready', { ready: false }, { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } }],
      ['cheap', { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } }, { readyAt: NOW }],
      ['ready for a shorter time', { readyAt: NOW }, { restarts: 9 }],
      ['more restarts', { restarts: 2 }, { createdAt: NOW }],
      ['younger', { createdAt: NOW }, {}],
    ];
    for (const [why, goes, stays] of cases) {
      assert.equal(first(goes, stays), 'left', why);
      assert.equal(first(stays, goes), 'right', why);
    }
  });

  it('takes pods from the node that has most', () => {
    const pods = [pod({ node: 'a' }), pod({ node: 'b', name: 'b-1' }), pod({ node: 'b', name: 'b-2' })];
    assert.equal(deletionOrder(pods, NOW)[0]?.spec.nodeName, 'b');
  });
});
