import { isTrue } from '../conditions.ts';
import type { Node, Pod } from '../objects.ts';
import { asksForHollow, HOLLOW_NODE, matchesSelection, matchesTerm, untolerated } from './node-match.ts';

/** A node as the scheduler sees it. */
export interface Candidate {
  readonly node: Node;
  /** Pods on it that have not ended. */
  readonly pods: number;
  /** Of these, pods of the same controller. */
  readonly siblings: number;
}

/** Where a pod goes, or why nowhere. */
export type Choice = { readonly node: string } | { readonly unschedulable: string };

/** Why a node cannot take a pod; undefined when it can. Words are those of kube-scheduler. */
const obstacle = (pod: Pod, { node, pods }: Candidate): string | undefined => {
  if (node.spec?.unschedulable === true && !toleratesCordon(pod)) return 'were unschedulable';
  if (!isTrue(node.status?.conditions, 'Ready')) return 'were not ready';
  const taint = untolerated(pod, node, ['NoSchedule', 'NoExecute']);
  if (taint !== undefined) return `had untolerated taint {${taint}}`;
  if (!matchesSelection(pod, node)) return "didn't match Pod's node affinity/selector";
  if (node.metadata.labels?.[HOLLOW_NODE] === 'true' && !asksForHollow(pod))
    return `were hollow (select ${HOLLOW_NODE}=true to use them)`;
  const limit = Number(node.status?.allocatable?.pods ?? Number.POSITIVE_INFINITY);
  return pods >= limit ? 'had too many pods' : undefined;
};

const toleratesCordon = ({ spec }: Pod): boolean =>
  (spec.tolerations ?? []).some(
    ({ key, operator }) => (key === 'node.kubernetes.io/unschedulable' || key === undefined) && operator === 'Exists',
  );

/** Higher is better, position by position: preferred affinity and taints, spreading of siblings, spreading of all. */
const score = (pod: Pod, { node, pods, siblings }: Candidate): readonly number[] => {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const weight = preferred.reduce(
    (sum, { weight: each, preference }) => sum + (matchesTerm(node, preference) ? each : 0),
    0,
  );
  const avoided = untolerated(pod, node, ['PreferNoSchedule']) === undefined ? 0 : -1;
  return [avoided, weight, -siblings, -pods];
};

const isBetter = (left: readonly number[], right: readonly number[]): boolean => {
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (value !== other) return value > other;
  }
  return false;
};

/** Chooses the node for a pod (Kubernetes docs, "Kubernetes Scheduler"): first what is possible, then what is best. */
export const chooseNode = (pod: Pod, candidates: readonly Candidate[]): Choice => {
  const reasons = new Map<string, number>();
  let best: { readonly name: string; readonly score: readonly number[] } | undefined;
  for (const candidate of candidates) {
    const reason = obstacle(pod, candidate);
    if (reason !== undefined) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      continue;
    }
    const found = score(pod, candidate);
    if (best === undefined || isBetter(found, best.score)) best = { name: candidate.node.metadata.name, score: found };
  }
  if (best !== undefined) return { node: best.name };
  const why = [...reasons].map(([reason, count]) => `${count} node(s) ${reason}`).sort();
  const detail = candidates.length === 0 ? 'no nodes are registered' : why.join(', ');
  return { unschedulable: `0/${candidates.length} nodes are available: ${detail}.` };
};
