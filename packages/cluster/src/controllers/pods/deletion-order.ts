import type { Pod } from '../objects.ts';
import { isReady, readySince, restarts } from '../pod-facts.ts';
import { millis } from '../time.ts';

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const COST = 'controller.kubernetes.io/pod-deletion-cost';

const cost = (pod: Pod): number => {
  const value = Number(pod.metadata.annotations?.[COST] ?? 0);
  return Number.isInteger(value) ? value : 0;
};

/**
 * The pods, those first whose loss matters least: not on a node, not running, not ready, cheap by annotation, crowded on
 * their node, ready for a short time, often restarted, young (Kubernetes docs, "ReplicaSet: Scaling a ReplicaSet").
 */
export const deletionOrder = (pods: readonly Pod[], nowMs: number): readonly Pod[] => {
  const perNode = new Map<string, number>();
  const rank = (pod: Pod): readonly number[] => {
    const node = pod.spec.nodeName ?? '';
    const since = readySince(pod);
    return [
      node === '' ? 0 : 1,
      PHASES[pod.status?.phase ?? 'Pending'] ?? 1,
      isReady(pod) ? 1 : 0,
      cost(pod),
      // Times and restarts count downwards: the newest and the most restarted go first.
      -(perNode.get(node) ?? 0),
      since === undefined ? 0 : -since,
      -restarts(pod),
      -(millis(pod.metadata.creationTimestamp) ?? nowMs),
    ];
  };
  for (const pod of pods) {
    const node = pod.spec.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  return pods
    .map((pod) => ({ pod, rank: rank(pod) }))
    .sort(
      (left, right) => compare(left.rank, right.rank) || (left.pod.metadata.name < right.pod.metadata.name ? -1 : 1),
    )
    .map(({ pod }) => pod);
};

const compare = (left: readonly number[], right: readonly number[]): number => {
  for (const [index, value] of left.entries()) {
    const difference = value - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};
