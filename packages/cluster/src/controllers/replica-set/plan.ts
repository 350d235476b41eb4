import { matchesSelector } from '../../selectors/label-match.ts';
import { sameJson } from '../../store/fields.ts';
import { withCondition, withoutCondition } from '../conditions.ts';
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../objects.ts';
import { type Claim, claim } from '../ownership.ts';
import { availableAt, isActive, isReady, isTerminating } from '../pod-facts.ts';
import { deletionOrder } from '../pods/deletion-order.ts';
import { earliest } from '../time.ts';

/** What a ReplicaSet wants done. */
export interface ReplicaSetPlan {
  readonly claim: Claim<Pod>;
  /** How many pods are missing. */
  readonly create: number;
  /** Pods that are too many, in the order in which to delete them. */
  readonly remove: readonly Pod[];
  /** Absent when what is stored is right already. */
  readonly status?: ReplicaSetStatus;
  /** When (ms) a pod becomes available by mere passing of time. */
  readonly lookAgainAt?: number;
}

/** What a plan is made of. */
export interface ReplicaSetFacts {
  readonly set: ReplicaSet;
  /** Pods of the namespace: those the set controls, and those that nobody does. */
  readonly candidates: readonly Pod[];
  /** Why pods could not be created or deleted, if so. */
  readonly failure?: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string };
  readonly nowMs: number;
}

/** Most pods made or deleted in one go. */
const BURST = 500;

/** Decides what a ReplicaSet needs (Kubernetes docs, "ReplicaSet"). */
export const planReplicaSet = (facts: ReplicaSetFacts): ReplicaSetPlan => {
  const { set, candidates, nowMs } = facts;
  const claimed = claim(set, set.spec.selector, candidates);
  const mine = [...claimed.owned, ...claimed.adopt];
  const active = mine.filter(isActive);
  const surplus = set.metadata.deletionTimestamp === undefined ? active.length - (set.spec.replicas ?? 1) : 0;
  const { status, lookAgainAt } = readStatus(facts, active, mine.filter(isTerminating).length);
  return {
    claim: claimed,
    create: Math.min(BURST, Math.max(0, -surplus)),
    remove: surplus > 0 ? deletionOrder(active, nowMs).slice(0, Math.min(BURST, surplus)) : [],
    ...(sameJson(status, set.status ?? {}) ? {} : { status }),
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
};

const readStatus = (
  { set, failure, nowMs }: ReplicaSetFacts,
  active: readonly Pod[],
  terminatingReplicas: number,
): { status: ReplicaSetStatus; lookAgainAt: number | undefined } => {
  const labels = { matchLabels: set.spec.template.metadata?.labels ?? {} };
  let available = 0;
  let lookAgainAt: number | undefined;
  for (const pod of active) {
    const at = availableAt(pod, set.spec.minReadySeconds);
    if (at === undefined) continue;
    if (at <= nowMs) available += 1;
    else lookAgainAt = earliest(lookAgainAt, at);
  }
  const before = set.status?.conditions;
  const conditions =
    failure === undefined
      ? withoutCondition(before, 'ReplicaFailure')
      : withCondition(before, { type: 'ReplicaFailure', status: 'True', ...failure }, nowMs);
  const status = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => matchesSelector(labels, pod.metadata.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: available,
    terminatingReplicas,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return { status, lookAgainAt };
};
