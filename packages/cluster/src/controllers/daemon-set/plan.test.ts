import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REVISION_LABEL } from '../history/plan.ts';
import type { Node } from '../objects.ts';
import { NOW, node, type PodTraits, pod, template } from '../testing/objects.ts';
import type { DaemonSet } from '../workload-objects.ts';
import { planDaemonSet } from './plan.ts';

const set = (spec: Partial<DaemonSet['spec']> = {}): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent', namespace: 'default', uid: 'set-uid', generation: 1 },
  spec: { selector: { matchLabels: { app: 'web' } }, template: template(), ...spec },
});
const daemon = (on: string, hash = 'new', traits: PodTraits = {}) =>
  pod({ node: on, labels: { app: 'web', [REVISION_LABEL]: hash }, ...traits });
const plan = (subject: DaemonSet, nodes: readonly Node[], ...pods: readonly ReturnType<typeof pod>[]) => {
  const result = planDaemonSet({ set: subject, nodes, pods, hash: 'new', nowMs: NOW });
  const places = result.create.map(
    ({ spec }) =>
      spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]
        ?.matchFields?.[0]?.values?.[0],
  );
  return { ...result, places, removed: result.remove.map(({ spec }) => spec.nodeName) };
};
const two = [node('a'), node('b')];

describe('DaemonSet', () => {
  it('makes one pod for each node that its template allows', () => {
    assert.deepEqual(plan(set(), two).places, ['a', 'b']);
    assert.deepEqual(plan(set(), two, daemon('a')).places, ['b']);
    const selective = set({ template: { ...template(), spec: { ...template().spec, nodeSelector: { disk: 'ssd' } } } });
    assert.deepEqual(plan(selective, [node('a'), node('b', { labels: { disk: 'ssd' } })]).places, ['b']);
    const tainted = node('t', { spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } });
    assert.deepEqual(plan(set(), [tainted]).places, []);
  });

  it('does not mind a node that is cordoned', () => {
    const unschedulable = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
    const cordoned = node('c', { spec: { unschedulable: true, taints: [unschedulable] } });
    assert.deepEqual(plan(set(), [cordoned]).places, ['c']);
    const tolerations = plan(set(), [cordoned]).create[0]?.spec.tolerations ?? [];
    assert.ok(tolerations.some(({ key }) => key === 'node.kubernetes.io/unschedulable'));
  });

  it('removes second pods, pods that have ended, and pods of nodes that are not wanted', () => {
    assert.deepEqual(plan(set(), two, daemon('a'), daemon('a'), daemon('b')).removed, ['a']);
    assert.deepEqual(plan(set(), two, daemon('a', 'new', { phase: 'Failed' }), daemon('b')).removed, ['a']);
    assert.deepEqual(plan(set(), [node('a')], daemon('a'), daemon('gone')).removed, ['gone']);
  });

  it('makes none beside one that is still ending', () => {
    assert.deepEqual(plan(set(), [node('a')], daemon('a', 'new', { terminating: true })).places, []);
  });

  it('rolls out as maxUnavailable allows, useless pods at once', () => {
    const old = [daemon('a', 'old'), daemon('b', 'old')];
    assert.deepEqual(plan(set(), two, ...old).removed, ['a']);
    const wide = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } } });
    assert.deepEqual(plan(wide, two, ...old).removed, ['a', 'b']);
    assert.deepEqual(plan(set(), two, daemon('a'), daemon('b', 'old', { ready: false })).removed, ['b']);
    assert.deepEqual(plan(set(), two, daemon('a', 'new', { ready: false }), daemon('b', 'old')).removed, []);
    assert.deepEqual(plan(set({ updateStrategy: { type: 'OnDelete' } }), two, ...old).removed, []);
  });

  it('shows where it stands', () => {
    const { status } = plan(set(), two, daemon('a'), daemon('gone', 'old'));
    assert.deepEqual(status, {
      observedGeneration: 1,
      desiredNumberScheduled: 2,
      currentNumberScheduled: 1,
      numberMisscheduled: 1,
      numberReady: 1,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberUnavailable: 1,
    });
    const full = [daemon('a'), daemon('b')];
    const done = plan(set(), two, ...full).status;
    assert.equal(plan({ ...set(), status: done ?? {} }, two, ...full).status, undefined);
  });
});
