import { sameJson } from '../../store/fields.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../objects.ts';
import { controllerReference } from '../ownership.ts';
import { ANNOTATIONS, newReplicaSet, replicaSetOf, revisionAnnotations, revisionOf, sameTemplate } from './revision.ts';
import { isScaling, limits, newSize, replicasOf, rollingStep, type Sizes, scaled } from './rolling.ts';
import { deploymentStatus, type StatusFacts } from './status.ts';

/** What a Deployment wants done with its ReplicaSets. */
export interface DeploymentPlan {
  /** A ReplicaSet for the present template. */
  readonly create?: ReturnType<typeof created>;
  /** ReplicaSets as they should be. */
  readonly update: readonly { readonly set: ReplicaSet; readonly to: ReplicaSet }[];
  /** Of the present template's ReplicaSet; written to the Deployment when it differs. */
  readonly revision?: string;
}

/** What a plan is made of. */
export interface DeploymentFacts {
  readonly deployment: Deployment;
  /** ReplicaSets that the Deployment controls. */
  readonly sets: readonly ReplicaSet[];
  /** True while pods of former revisions have not ended (only asked for with strategy Recreate). */
  readonly oldPodsRun: boolean;
}

const NOTHING: DeploymentPlan = Object.freeze({ update: [] });

/** The ReplicaSet of the present template, and the others. */
export const divide = (
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): { readonly next: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] } => {
  const next = newReplicaSet(deployment, sets);
  return { next, old: sets.filter((set) => set !== next) };
};

/** Decides the next step (Kubernetes docs, "Deployments"). */
export const planDeployment = ({ deployment, sets, oldPodsRun }: DeploymentFacts): DeploymentPlan => {
  if (deployment.metadata.deletionTimestamp !== undefined) return NOTHING;
  const { next, old } = divide(deployment, sets);
  const revision = Math.max(0, ...old.map(revisionOf)) + 1;
  if (deployment.spec.paused === true || isScaling(deployment, sets))
    return resize(deployment, next, sets, scaled(deployment, next, old), next && revision);
  if (deployment.spec.strategy?.type === 'Recreate') {
    const running = old.filter((set) => replicasOf(set) > 0);
    if (running.length > 0)
      return resize(deployment, next, sets, new Map(running.map((set) => [set.metadata.name, 0])), next && revision);
    if (oldPodsRun) return NOTHING;
  }
  if (next === undefined) return { ...NOTHING, create: created(deployment, old, revision), revision: String(revision) };
  const sizes =
    deployment.spec.strategy?.type === 'Recreate'
      ? new Map([[next.metadata.name, replicasOf(deployment)]])
      : rollingStep(deployment, next, old);
  return resize(deployment, next, sets, sizes, revision);
};

const created = (deployment: Deployment, old: readonly ReplicaSet[], revision: number) => {
  const replicas = newSize(deployment, old, 0);
  const annotations = { ...revisionAnnotations(deployment, undefined, revision), ...sizeAnnotations(deployment) };
  const set = replicaSetOf(deployment, annotations);
  return {
    ...set,
    metadata: { ...set.metadata, ownerReferences: [controllerReference(deployment)] },
    spec: { ...set.spec, replicas },
  };
};

const sizeAnnotations = (deployment: Deployment): Readonly<Record<string, string>> => ({
  [ANNOTATIONS.desired]: String(replicasOf(deployment)),
  [ANNOTATIONS.max]: String(replicasOf(deployment) + limits(deployment).maxSurge),
});

/** ReplicaSets with new sizes; the one of the present template also gets its revision and the Deployment's annotations. */
const resize = (
  deployment: Deployment,
  next: ReplicaSet | undefined,
  sets: readonly ReplicaSet[],
  sizes: Sizes,
  revision: number | undefined,
): DeploymentPlan => {
  const update = sets.flatMap((set) => {
    const size = sizes.get(set.metadata.name);
    const named =
      set === next && revision !== undefined
        ? revisionAnnotations(deployment, set, revision)
        : (set.metadata.annotations ?? {});
    const sized = size === undefined && replicasOf(set) === 0 ? named : { ...named, ...sizeAnnotations(deployment) };
    const minReadySeconds = set === next ? (deployment.spec.minReadySeconds ?? 0) : (set.spec.minReadySeconds ?? 0);
    const changed =
      (size !== undefined && size !== replicasOf(set)) ||
      minReadySeconds !== (set.spec.minReadySeconds ?? 0) ||
      !sameJson(sized, set.metadata.annotations ?? {});
    if (!changed) return [];
    const to: ReplicaSet = {
      ...set,
      metadata: { ...set.metadata, annotations: sized },
      spec: { ...set.spec, replicas: size ?? replicasOf(set), minReadySeconds },
    };
    return [{ set, to }];
  });
  const shown = next === undefined || revision === undefined ? undefined : Math.max(revision, revisionOf(next));
  return shown === undefined ? { update } : { update, revision: String(shown) };
};

/** Former ReplicaSets beyond `revisionHistoryLimit`, oldest revision first; only those without any pods. */
export const surplusHistory = (deployment: Deployment, sets: readonly ReplicaSet[]): readonly ReplicaSet[] => {
  const { old } = divide(deployment, sets);
  const idle = old.filter(
    (set) =>
      replicasOf(set) === 0 &&
      (set.status?.replicas ?? 0) === 0 &&
      (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0) &&
      set.metadata.deletionTimestamp === undefined,
  );
  const surplus = old.length - (deployment.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  return idle.sort((left, right) => revisionOf(left) - revisionOf(right)).slice(0, surplus);
};

/** The status, if it differs from what is stored. */
export const planStatus = (
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  event: StatusFacts['event'],
  nowMs: number,
): { readonly status?: DeploymentStatus; readonly lookAgainAt?: number } => {
  const { next, old } = divide(deployment, sets);
  const facts = { deployment, next, old, ...(event === undefined ? {} : { event }), nowMs };
  const { status, lookAgainAt } = deploymentStatus(facts);
  return {
    ...(sameJson(status, deployment.status ?? {}) ? {} : { status }),
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
};

/** Whether a ReplicaSet that stands where a new one should is that very one. */
export const isSameSet = (deployment: Deployment, present: ReplicaSet): boolean =>
  sameTemplate(present.spec.template, deployment.spec.template) &&
  present.metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid) === true;
