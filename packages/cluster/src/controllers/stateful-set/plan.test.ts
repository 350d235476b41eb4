import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REVISION_LABEL } from '../history/plan.ts';
import { NOW, type PodTraits, pod, template } from '../testing/objects.ts';
import type { StatefulSet } from '../workload-objects.ts';
import { planStatefulSet } from './plan.ts';

const set = (spec: Partial<StatefulSet['spec']> = {}): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db', namespace: 'default', uid: 'set-uid', generation: 1 },
  spec: {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: { app: 'web' } },
    template: template('two'),
    ...spec,
  },
});
const update = { name: 'db-new', template: template('two') };
const current = { name: 'db-old', template: template('one') };
const member = (ordinal: number, revision = 'db-new', traits: PodTraits = {}) =>
  pod({ name: `db-${ordinal}`, labels: { app: 'web', [REVISION_LABEL]: revision }, ...traits });
const plan = (subject: StatefulSet, ...pods: readonly ReturnType<typeof pod>[]) => {
  const result = planStatefulSet({ set: subject, pods, update, current, nowMs: NOW });
  return {
    ...result,
    made: result.create.map(({ metadata }) => metadata.name),
    removed: result.remove.map(({ metadata }) => metadata.name),
  };
};

describe('StatefulSet', () => {
  it('makes one pod after the other, each with name, host name and labels', () => {
    assert.deepEqual(plan(set()).made, ['db-0']);
    assert.deepEqual(plan(set(), member(0, 'db-new', { ready: false })).made, [], 'the first is not ready');
    assert.deepEqual(plan(set(), member(0)).made, ['db-1']);
    assert.deepEqual(plan(set(), member(0), member(2)).made, ['db-1']);
    const [first] = plan(set()).create;
    assert.deepEqual([first?.spec.hostname, first?.spec.subdomain], ['db-0', 'db']);
    assert.deepEqual(first?.metadata.labels, {
      app: 'web',
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
      [REVISION_LABEL]: 'db-new',
    });
  });

  it('makes and removes all at once when it is Parallel, and begins where it is told', () => {
    assert.deepEqual(plan(set({ podManagementPolicy: 'Parallel' })).made, ['db-0', 'db-1', 'db-2']);
    assert.deepEqual(plan(set({ podManagementPolicy: 'Parallel', replicas: 0 }), member(0), member(1)).removed, [
      'db-1',
      'db-0',
    ]);
    assert.deepEqual(plan(set({ ordinals: { start: 5 } })).made, ['db-5']);
  });

  it('removes the last first, one at a time', () => {
    assert.deepEqual(plan(set({ replicas: 1 }), member(0), member(1), member(2)).removed, ['db-2']);
    assert.deepEqual(
      plan(set({ replicas: 1 }), member(0), member(1), member(2, 'db-new', { terminating: true })).removed,
      [],
    );
  });

  it('replaces a pod that has ended, and waits for one that is going', () => {
    assert.deepEqual(plan(set(), member(0, 'db-new', { phase: 'Failed' })).removed, ['db-0']);
    assert.deepEqual(plan(set(), member(0, 'db-new', { terminating: true })).made, []);
  });

  it('rolls out from the last to the partition, each step only when all above are healthy', () => {
    const old = [member(0, 'db-old'), member(1, 'db-old')];
    assert.deepEqual(plan(set(), ...old, member(2, 'db-old')).removed, ['db-2']);
    assert.deepEqual(plan(set(), ...old, member(2, 'db-new', { ready: false })).removed, []);
    assert.deepEqual(plan(set(), ...old, member(2)).removed, ['db-1']);
    const partition = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    assert.deepEqual(plan(partition, ...old, member(2)).removed, []);
    assert.deepEqual(plan(set({ updateStrategy: { type: 'OnDelete' } }), ...old, member(2, 'db-old')).removed, []);
  });

  it('makes pods below the partition of the former revision', () => {
    const partition = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } });
    const [first] = plan(partition).create;
    assert.equal(first?.metadata.labels?.[REVISION_LABEL], 'db-old');
    assert.deepEqual(first?.spec.containers, template('one').spec.containers);
    const [second] = plan(partition, member(0, 'db-old')).create;
    assert.equal(second?.metadata.labels?.[REVISION_LABEL], 'db-new');
  });

  it('shows how far it is, and when the update is done', () => {
    const half = plan(set(), member(0, 'db-old'), member(1), member(2)).status;
    assert.deepEqual(
      [half?.replicas, half?.currentReplicas, half?.updatedReplicas, half?.currentRevision, half?.updateRevision],
      [3, 1, 2, 'db-old', 'db-new'],
    );
    const done = plan(set(), member(0), member(1), member(2)).status;
    assert.deepEqual([done?.currentReplicas, done?.updatedReplicas, done?.currentRevision], [3, 3, 'db-new']);
    assert.equal(plan({ ...set(), status: done ?? {} }, member(0), member(1), member(2)).status, undefined);
  });

  it('counts availability by minReadySeconds', () => {
    const slow = plan(set({ minReadySeconds: 30 }), member(0, 'db-new', { readyAt: NOW - 10_000 }));
    assert.deepEqual(
      [slow.status?.readyReplicas, slow.status?.availableReplicas, slow.lookAgainAt],
      [1, 0, NOW + 20_000],
    );
    assert.deepEqual(slow.made, [], 'the next one waits for availability');
  });

  it('refuses volume claims and does nothing while it is being deleted', () => {
    const refused = plan(set({ volumeClaimTemplates: [{}] }));
    assert.match(refused.refused ?? '', /volumeClaimTemplates is not supported/);
    assert.deepEqual([refused.made, refused.status?.conditions?.[0]?.type], [[], 'Unsupported']);
    const going = { ...set(), metadata: { ...set().metadata, deletionTimestamp: 'now' } };
    assert.deepEqual(plan(going).made, []);
  });
});
