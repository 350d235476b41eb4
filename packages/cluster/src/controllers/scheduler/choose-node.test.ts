import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, PodSpec } from '../objects.ts';
import { node, pod } from '../testing/objects.ts';
import { chooseNode } from './choose-node.ts';

const at = (subject: Node, pods = 0, siblings = 0) => ({ node: subject, pods, siblings });
const choose = (spec: Partial<PodSpec>, ...candidates: readonly ReturnType<typeof at>[]) => {
  const choice = chooseNode(pod({ node: '', spec }), candidates);
  return 'node' in choice ? choice.node : `! ${choice.unschedulable}`;
};
const affinity = (expression: object, kind: 'matchExpressions' | 'matchFields' = 'matchExpressions') => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ [kind]: [expression] }] } },
  } as PodSpec['affinity'] & object,
});

describe('scheduler', () => {
  it('spreads the pods of one owner, then all pods, then takes the first', () => {
    assert.equal(choose({}, at(node('a'), 1, 1), at(node('b'), 9, 0)), 'b');
    assert.equal(choose({}, at(node('a'), 5, 1), at(node('b'), 3, 1)), 'b');
    assert.equal(choose({}, at(node('a')), at(node('b'))), 'a');
  });

  it('keeps to node selector and required affinity', () => {
    const ssd = node('ssd', { labels: { disk: 'ssd', size: '8' } });
    const both = [at(node('a')), at(ssd, 50)];
    const cases: readonly [spec: Partial<PodSpec>, expected: string][] = [
      [{ nodeSelector: { disk: 'ssd' } }, 'ssd'],
      [affinity({ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] }), 'ssd'],
      [affinity({ key: 'disk', operator: 'NotIn', values: ['ssd'] }), 'a'],
      [affinity({ key: 'disk', operator: 'Exists' }), 'ssd'],
      [affinity({ key: 'disk', operator: 'DoesNotExist' }), 'a'],
      [affinity({ key: 'size', operator: 'Gt', values: ['7'] }), 'ssd'],
      [affinity({ key: 'size', operator: 'Lt', values: ['9'] }), 'ssd'],
      [affinity({ key: 'metadata.name', operator: 'In', values: ['ssd'] }, 'matchFields'), 'ssd'],
      [
        { nodeSelector: { disk: 'tape' } },
        "! 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
      ],
    ];
    for (const [spec, expected] of cases) assert.equal(choose(spec, ...both), expected, JSON.stringify(spec));
  });

  it('keeps away from taints that the pod does not tolerate', () => {
    const tainted = node('t', { spec: { taints: [{ key: 'only', value: 'gpu', effect: 'NoSchedule' }] } });
    const refused = '! 0/1 nodes are available: 1 node(s) had untolerated taint {only: gpu}.';
    const cases: readonly [tolerations: PodSpec['tolerations'] & object, expected: string][] = [
      [[], refused],
      [[{ key: 'only', value: 'gpu' }], 't'],
      [[{ key: 'only', value: 'cpu' }], refused],
      [[{ key: 'only', operator: 'Exists' }], 't'],
      [[{ operator: 'Exists' }], 't'],
      [[{ key: 'only', operator: 'Exists', effect: 'NoExecute' }], refused],
    ];
    for (const [tolerations, expected] of cases)
      assert.equal(choose({ tolerations }, at(tainted)), expected, JSON.stringify(tolerations));
    const avoided = node('avoided', { spec: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] } });
    assert.equal(choose({}, at(avoided), at(node('b'), 100, 100)), 'b');
    assert.equal(choose({}, at(avoided)), 'avoided');
  });

  it('prefers what the pod prefers', () => {
    const preferredDuringSchedulingIgnoredDuringExecution = [
      { weight: 5, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
    ];
    const spec = { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } };
    assert.equal(choose(spec, at(node('a')), at(node('b', { labels: { disk: 'x' } }), 50, 5)), 'b');
  });

  it('says of each node why it cannot be', () => {
    const nodes = [
      at(node('cordoned', { spec: { unschedulable: true } })),
      at(node('down', { ready: false })),
      at(node('full', { pods: 2 }), 2),
    ];
    assert.equal(
      choose({}, ...nodes),
      '! 0/3 nodes are available: 1 node(s) had too many pods, 1 node(s) were not ready, 1 node(s) were unschedulable.',
    );
    assert.equal(choose({}), '! 0/0 nodes are available: no nodes are registered.');
  });

  it('puts only pods on hollow nodes that ask for them', () => {
    const hollow = at(node('hollow-0', { labels: { 'openservicemesh.io/hollow-node': 'true' } }));
    assert.equal(choose({}, hollow, at(node('real'), 100)), 'real');
    assert.match(choose({}, hollow), /^! 0\/1 nodes are available: 1 node\(s\) were hollow/);
    for (const spec of [
      { nodeSelector: { 'openservicemesh.io/hollow-node': 'true' } },
      { nodeSelector: { 'kubernetes.io/hostname': 'hollow-0' } },
      affinity({ key: 'metadata.name', operator: 'In', values: ['hollow-0'] }, 'matchFields'),
      { tolerations: [{ key: 'openservicemesh.io/hollow-node', operator: 'Exists' }] },
    ])
      assert.equal(choose(spec, hollow), 'hollow-0', JSON.stringify(spec));
  });
});
