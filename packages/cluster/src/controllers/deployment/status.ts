import { findCondition, type Verdict, withCondition, withoutCondition } from '../conditions.ts';
import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from '../objects.ts';
import { millis, rfc3339 } from '../time.ts';
import { limits, replicasOf, total } from './rolling.ts';

/** Reasons of the Progressing condition that `kubectl rollout status` and others know. */
export const PROGRESS = Object.freeze({
  created: 'NewReplicaSetCreated',
  found: 'FoundNewReplicaSet',
  updated: 'ReplicaSetUpdated',
  available: 'NewReplicaSetAvailable',
  timedOut: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
  failed: 'ReplicaSetCreateError',
});

/** A deadline of this length means that there is none. */
const NO_DEADLINE = 2 ** 31 - 1;

/** A status and when (ms) it may change by mere passing of time. */
export interface DatedStatus {
  readonly status: DeploymentStatus;
  readonly lookAgainAt?: number;
}

/** What a Deployment's status is made of. */
export interface StatusFacts {
  readonly deployment: Deployment;
  /** The ReplicaSet of the present template. */
  readonly next: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  /** What has just happened to `next`, if anything. */
  readonly event?: { readonly reason: string; readonly message: string; readonly failed?: true };
  readonly nowMs: number;
}

const withProgress = (conditions: readonly Condition[], verdict: Omit<Verdict, 'type'>, nowMs: number) => {
  const type = 'Progressing';
  const lastUpdateTime = rfc3339(nowMs);
  const set = withCondition(conditions, { type, ...verdict }, nowMs);
  return set.map((condition) => (condition.type === type ? { ...condition, lastUpdateTime } : condition));
};

const withAvailable = (conditions: readonly Condition[], verdict: Omit<Verdict, 'type'>, nowMs: number) => {
  const set = withCondition(conditions, { type: 'Available', ...verdict }, nowMs);
  if (set === conditions) return conditions;
  return set.map((condition) =>
    condition.type === 'Available' ? { ...condition, lastUpdateTime: rfc3339(nowMs) } : condition,
  );
};

/** The status of a Deployment (Kubernetes docs, "Deployments: Deployment status"). */
export const deploymentStatus = (facts: StatusFacts): DatedStatus => {
  const { deployment, next, old } = facts;
  const all = next === undefined ? old : [...old, next];
  const replicas = total(all, (set) => set.status?.replicas ?? 0);
  const available = total(all, (set) => set.status?.availableReplicas ?? 0);
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: next?.status?.replicas ?? 0,
    readyReplicas: total(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total(all, replicasOf) - available),
    terminatingReplicas: total(all, (set) => set.status?.terminatingReplicas ?? 0),
  };
  const { collisionCount } = deployment.status ?? {};
  const { conditions, lookAgainAt } = readConditions(facts, counts);
  const status: DeploymentStatus = {
    ...counts,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return lookAgainAt === undefined ? { status } : { status, lookAgainAt };
};

const readConditions = (
  facts: StatusFacts,
  counts: DeploymentStatus,
): { conditions: readonly Condition[]; lookAgainAt?: number } => {
  const { deployment, next, old, nowMs } = facts;
  const enough = (counts.availableReplicas ?? 0) >= replicasOf(deployment) - limits(deployment).maxUnavailable;
  let conditions = withAvailable(
    deployment.status?.conditions ?? [],
    enough
      ? { status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
  );
  const { conditions: progressed, lookAgainAt } = readProgress(facts, counts, conditions);
  conditions = progressed;
  const failing = [...(next === undefined ? [] : [next]), ...old]
    .map((set) => findCondition(set.status?.conditions, 'ReplicaFailure'))
    .find((condition) => condition?.status === 'True');
  conditions =
    failing === undefined
      ? withoutCondition(conditions, 'ReplicaFailure')
      : withCondition(
          conditions,
          {
            type: 'ReplicaFailure',
            status: 'True',
            ...(failing.reason === undefined ? {} : { reason: failing.reason }),
            ...(failing.message === undefined ? {} : { message: failing.message }),
          },
          nowMs,
        );
  return lookAgainAt === undefined ? { conditions } : { conditions, lookAgainAt };
};

const readProgress = (
  { deployment, next, event, nowMs }: StatusFacts,
  counts: DeploymentStatus,
  before: readonly Condition[],
): { conditions: readonly Condition[]; lookAgainAt?: number } => {
  const deadline = deployment.spec.progressDeadlineSeconds ?? 600;
  if (deadline >= NO_DEADLINE) return { conditions: withoutCondition(before, 'Progressing') };
  const current = findCondition(before, 'Progressing');
  const set = (status: Condition['status'], reason: string, message: string) =>
    withProgress(before, { status, reason, message }, nowMs);
  if (event?.failed) return { conditions: set('False', event.reason, event.message) };
  if (deployment.spec.paused === true) {
    if (current?.reason === PROGRESS.paused) return { conditions: before };
    return { conditions: set('Unknown', PROGRESS.paused, 'Deployment is paused') };
  }
  if (current?.reason === PROGRESS.paused) {
    return {
      conditions: set('Unknown', PROGRESS.resumed, 'Deployment is resumed'),
      lookAgainAt: nowMs + deadline * 1000,
    };
  }
  const what = next === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${next.metadata.name}"`;
  const wasComplete = counts.replicas === counts.updatedReplicas && current?.reason === PROGRESS.available;
  if (wasComplete && event === undefined) return { conditions: before };
  if (isComplete(deployment, counts)) {
    if (current?.reason === PROGRESS.available) return { conditions: before };
    return { conditions: set('True', PROGRESS.available, `${what} has successfully progressed.`) };
  }
  if (event !== undefined)
    return { conditions: set('True', event.reason, event.message), lookAgainAt: nowMs + deadline * 1000 };
  // One that was available and is not complete any more has begun another rollout.
  const begins = current === undefined || current.reason === PROGRESS.available;
  if (begins || isProgressing(deployment.status ?? {}, counts))
    return {
      conditions: set('True', PROGRESS.updated, `${what} is progressing.`),
      lookAgainAt: nowMs + deadline * 1000,
    };
  if (current.reason === PROGRESS.timedOut || current.reason === PROGRESS.failed) return { conditions: before };
  const due = (millis(current.lastUpdateTime) ?? nowMs) + deadline * 1000;
  if (due > nowMs) return { conditions: before, lookAgainAt: due };
  return { conditions: set('False', PROGRESS.timedOut, `${what} has timed out progressing.`) };
};

const isComplete = (deployment: Deployment, counts: DeploymentStatus): boolean => {
  const replicas = replicasOf(deployment);
  return counts.updatedReplicas === replicas && counts.replicas === replicas && counts.availableReplicas === replicas;
};

const isProgressing = (before: DeploymentStatus, now: DeploymentStatus): boolean => {
  const { updatedReplicas: wasUpdated = 0, replicas: was = 0 } = before;
  const { updatedReplicas: updated = 0, replicas = 0 } = now;
  return (
    updated > wasUpdated ||
    replicas - updated < was - wasUpdated ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
};
