import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscalerStatus } from './autoscalers.ts';
import { findCondition, withCondition } from './conditions.ts';
import { budgetStatus } from './disruption-budgets.ts';
import { typesOf } from './inventory/discovery.ts';
import { terminatingConditions } from './namespaces.ts';
import type { Namespace } from './objects.ts';
import { surplusEnded } from './pod-collector.ts';
import { namespaceLacks } from './service-accounts.ts';
import { NOW, type PodTraits, pod } from './testing/objects.ts';
import type { PodDisruptionBudget } from './workload-objects.ts';

const budget = (
  spec: PodDisruptionBudget['spec'] & object,
  status: PodDisruptionBudget['status'] = {},
): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'b', namespace: 'default', generation: 2 },
  spec,
  status,
});
const status = (subject: PodDisruptionBudget, expected: number, ...traits: readonly PodTraits[]) =>
  budgetStatus({ budget: subject, pods: traits.map(pod), expected, nowMs: NOW });

describe('disruption budget', () => {
  it('allows what is healthy beyond what is needed', () => {
    const three = [{}, {}, {}];
    const cases: readonly [
      name: string,
      spec: PodDisruptionBudget['spec'] & object,
      expected: number,
      pods: readonly PodTraits[],
      allowed: number,
    ][] = [
      ['minAvailable', { minAvailable: 2 }, 3, three, 1],
      ['minAvailable as a share', { minAvailable: '50%' }, 3, three, 1],
      ['maxUnavailable', { maxUnavailable: 1 }, 3, three, 1],
      ['maxUnavailable of what there should be', { maxUnavailable: 1 }, 4, three, 0],
      ['maxUnavailable as a share is rounded up', { maxUnavailable: '34%' }, 3, three, 2],
      ['one is not ready', { minAvailable: 2 }, 3, [{}, {}, { ready: false }], 0],
      ['one is going', { minAvailable: 1 }, 3, [{}, {}, { terminating: true }], 1],
      ['no pods', { minAvailable: 0 }, 0, [], 0],
    ];
    for (const [name, spec, expected, pods, allowed] of cases)
      assert.equal(status(budget(spec), expected, ...pods).status.disruptionsAllowed, allowed, name);
  });

  it('counts a pod that is being evicted as gone, for two minutes', () => {
    const subject = budget(
      { minAvailable: 1 },
      { disruptedPods: { a: '2029-12-31T23:59:00Z', gone: '2030-01-01T00:00:00Z' } },
    );
    const { status: now, lookAgainAt } = status(subject, 2, { name: 'a' }, { name: 'b' });
    assert.deepEqual(
      [now.currentHealthy, now.disruptedPods, lookAgainAt],
      [1, { a: '2029-12-31T23:59:00Z' }, NOW + 60_000],
    );
    const later = budgetStatus({ budget: subject, pods: [pod({ name: 'a' })], expected: 1, nowMs: NOW + 60_000 });
    assert.deepEqual([later.status.currentHealthy, later.status.disruptedPods], [1, undefined]);
  });
});

describe('autoscaler', () => {
  const subject = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'a', namespace: 'default' },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 5 },
  };
  it('says that there are no metrics, or no target', () => {
    const shown = autoscalerStatus(subject, 3, NOW);
    assert.deepEqual([shown.currentReplicas, shown.desiredReplicas], [3, 3]);
    assert.equal(findCondition(shown.conditions, 'ScalingActive')?.status, 'False');
    assert.equal(
      findCondition(autoscalerStatus(subject, undefined, NOW).conditions, 'AbleToScale')?.reason,
      'FailedGetScale',
    );
  });
});

describe('what a namespace lacks', () => {
  const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
  const bundle = (ca: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x' },
    data: { 'ca.crt': ca },
  });
  it('is its default account and the authority of the API', () => {
    const lacks = namespaceLacks(namespace, undefined, undefined, 'PEM');
    assert.equal(lacks.account?.metadata.name, 'default');
    assert.deepEqual(lacks.createBundle?.data, { 'ca.crt': 'PEM' });
  });
  it('is nothing when both are there, or when it is going', () => {
    assert.deepEqual(namespaceLacks(namespace, bundle(''), bundle('PEM'), 'PEM'), {});
    const going = { ...namespace, metadata: { name: 'shop', deletionTimestamp: 'now' } };
    assert.deepEqual(namespaceLacks(going, undefined, undefined, 'PEM'), {});
  });
  it('is put right when the authority is another one', () => {
    assert.deepEqual(namespaceLacks(namespace, bundle(''), bundle('old'), 'PEM').updateBundle?.data, {
      'ca.crt': 'PEM',
    });
  });
});

describe('a namespace that is going', () => {
  const empty = { counts: new Map(), finalizers: new Map(), undiscovered: [], failures: [] };
  it('says what remains and why', () => {
    const conditions = terminatingConditions(
      undefined,
      { ...empty, counts: new Map([['pods.', 2]]), finalizers: new Map([['x/y', 1]]), failures: ['secrets: no'] },
      NOW,
    );
    assert.deepEqual(
      conditions.map(({ type, status: is, message }) => [type, is, message]),
      [
        ['NamespaceDeletionDiscoveryFailure', 'False', 'All resources successfully discovered'],
        ['NamespaceDeletionContentFailure', 'True', 'secrets: no'],
        ['NamespaceContentRemaining', 'True', 'Some resources are remaining: pods. has 2 resource instances'],
        [
          'NamespaceFinalizersRemaining',
          'True',
          'Some content in the namespace has finalizers remaining: x/y in 1 resource instances',
        ],
      ],
    );
  });
  it('does not say it twice', () => {
    const first = terminatingConditions(undefined, empty, NOW);
    assert.deepEqual(terminatingConditions(first, empty, NOW + 5_000), first);
  });
});

describe('conditions', () => {
  it('keep their time while their status stands', () => {
    const first = withCondition([], { type: 'A', status: 'True', reason: 'X' }, NOW);
    assert.equal(withCondition(first, { type: 'A', status: 'True', reason: 'X' }, NOW + 1000), first);
    const [reason] = withCondition(first, { type: 'A', status: 'True', reason: 'Y' }, NOW + 1000);
    assert.deepEqual([reason?.reason, reason?.lastTransitionTime], ['Y', '2030-01-01T00:00:00Z']);
    const [turned] = withCondition(first, { type: 'A', status: 'False', reason: 'X' }, NOW + 1000);
    assert.equal(turned?.lastTransitionTime, '2030-01-01T00:00:01Z');
  });
});

describe('ended pods', () => {
  it('go when there are too many, the oldest first', () => {
    const old = pod({ phase: 'Failed', createdAt: NOW - 9_000 });
    const young = pod({ phase: 'Succeeded', createdAt: NOW - 1_000 });
    assert.deepEqual(surplusEnded([young, pod(), old], 1), [old]);
    assert.deepEqual(surplusEnded([young, pod(), old], 2), []);
  });
});

describe('discovery', () => {
  it('takes types that can be listed, watched and deleted, and no subresources', () => {
    const verbs = ['get', 'list', 'watch', 'delete', 'deletecollection'];
    const resources = [
      { name: 'pods', kind: 'Pod', namespaced: true, verbs },
      { name: 'pods/status', kind: 'Pod', namespaced: true, verbs },
      { name: 'bindings', kind: 'Binding', namespaced: true, verbs: ['create'] },
    ];
    const [type, ...rest] = typesOf({ resources }, '', 'v1');
    assert.deepEqual([type?.resource, type?.deletesCollections, rest], ['pods', true, []]);
  });
});
