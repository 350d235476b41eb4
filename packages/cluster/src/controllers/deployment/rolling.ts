import type { Deployment, IntOrPercent, ReplicaSet } from '../objects.ts';
import { ANNOTATIONS, byAge } from './revision.ts';

/** Number of replicas that a Deployment or ReplicaSet asks for. */
export const replicasOf = ({ spec }: { readonly spec: { readonly replicas?: number } }): number => spec.replicas ?? 1;

/** Sum of a number over ReplicaSets. */
export const total = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((sum, set) => sum + of(set), 0);

const resolve = (value: IntOrPercent | undefined, of: number, round: (value: number) => number): number => {
  const given = value ?? '25%';
  if (typeof given === 'number') return given;
  return round((Number(given.replace('%', '')) * of) / 100) || 0;
};

/** How many pods a rolling update may have too many and too few; never both 0 (API reference, RollingUpdateDeployment). */
export const limits = (deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } => {
  if (deployment.spec.strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = replicasOf(deployment);
  const { rollingUpdate } = deployment.spec.strategy ?? {};
  const maxSurge = resolve(rollingUpdate?.maxSurge, replicas, Math.ceil);
  const maxUnavailable = resolve(rollingUpdate?.maxUnavailable, replicas, Math.floor);
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge: 0, maxUnavailable: Math.min(1, replicas) };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
};

/** Wanted replicas by name of ReplicaSet; those that stay as they are may be missing. */
export type Sizes = ReadonlyMap<string, number>;

/** Pods of a ReplicaSet that take up room: those that it has been told to give up count until they go. */
const occupied = (set: ReplicaSet): number => Math.max(replicasOf(set), set.status?.replicas ?? 0);

/** Replicas of the new ReplicaSet: as many as fit under replicas + maxSurge. `current` is what it has; 0 when it is not there. */
export const newSize = (deployment: Deployment, old: readonly ReplicaSet[], current: number): number => {
  const replicas = replicasOf(deployment);
  if (deployment.spec.strategy?.type === 'Recreate') return replicas;
  if (current >= replicas) return replicas;
  const room = replicas + limits(deployment).maxSurge - total(old, occupied) - current;
  return room <= 0 ? current : current + Math.min(room, replicas - current);
};

/**
 * One step of a rolling update, given the ReplicaSet of the present template: it grows as far as maxSurge allows; otherwise the old
 * ones shrink as far as maxUnavailable allows, their unavailable pods first (Kubernetes docs, "Deployments: Rolling Update").
 */
export const rollingStep = (deployment: Deployment, next: ReplicaSet, old: readonly ReplicaSet[]): Sizes => {
  const size = newSize(deployment, old, replicasOf(next));
  if (size !== replicasOf(next)) return new Map([[next.metadata.name, size]]);
  return shrinkOld(deployment, next, old);
};

/** Available pods that stay: what a ReplicaSet has been told to give up may still be counted in its status. */
const available = (set: ReplicaSet): number => Math.min(set.status?.availableReplicas ?? 0, replicasOf(set));

const shrinkOld = (deployment: Deployment, next: ReplicaSet, old: readonly ReplicaSet[]): Sizes => {
  const sizes = new Map<string, number>();
  if (total(old, replicasOf) === 0) return sizes;
  const least = replicasOf(deployment) - limits(deployment).maxUnavailable;
  const unavailable = replicasOf(next) - available(next);
  let spare = total([...old, next], replicasOf) - least - unavailable;
  const sizeOf = (set: ReplicaSet): number => sizes.get(set.metadata.name) ?? replicasOf(set);
  const shrink = (set: ReplicaSet, by: number): void => {
    if (by <= 0) return;
    sizes.set(set.metadata.name, sizeOf(set) - by);
    spare -= by;
  };
  const oldest = [...old].sort(byAge);
  for (const set of oldest) shrink(set, Math.min(spare, sizeOf(set) - available(set)));
  let surplus = total([...old, next], available) - least;
  for (const set of oldest) {
    const by = Math.min(surplus, spare, sizeOf(set));
    shrink(set, by);
    surplus -= Math.max(0, by);
  }
  return sizes;
};

const annotated = (set: ReplicaSet, name: string): number | undefined => {
  const value = Number(set.metadata.annotations?.[name] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
};

/** True when the number of replicas has been changed since the ReplicaSets were last sized. */
export const isScaling = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  sets.some((set) => {
    const desired = annotated(set, ANNOTATIONS.desired);
    return replicasOf(set) > 0 && desired !== undefined && desired !== replicasOf(deployment);
  });

/**
 * Sizes after the Deployment has been scaled: its one active ReplicaSet gets all; several, in the midst of a rollout, share in
 * proportion to what they have (Kubernetes docs, "Deployments: Proportional scaling").
 */
export const scaled = (deployment: Deployment, next: ReplicaSet | undefined, old: readonly ReplicaSet[]): Sizes => {
  const replicas = replicasOf(deployment);
  const all = next === undefined ? old : [...old, next];
  const active = all.filter((set) => replicasOf(set) > 0);
  const only = active.length > 1 ? undefined : (active[0] ?? next ?? [...old].sort(byAge).at(-1));
  if (active.length <= 1) return only === undefined ? new Map() : new Map([[only.metadata.name, replicas]]);
  if (next !== undefined && isSaturated(deployment, next))
    return new Map(active.filter((set) => set !== next).map((set) => [set.metadata.name, 0]));
  return deployment.spec.strategy?.type === 'Recreate' ? new Map() : shares(deployment, active);
};

const isSaturated = (deployment: Deployment, set: ReplicaSet): boolean => {
  const replicas = replicasOf(deployment);
  return (
    replicasOf(set) === replicas &&
    annotated(set, ANNOTATIONS.desired) === replicas &&
    set.status?.availableReplicas === replicas
  );
};

const shares = (deployment: Deployment, active: readonly ReplicaSet[]): Sizes => {
  const replicas = replicasOf(deployment);
  const allowed = replicas === 0 ? 0 : replicas + limits(deployment).maxSurge;
  const add = allowed - total(active, replicasOf);
  // The largest first; among equals the newest grows, the oldest shrinks.
  const sign = add > 0 ? -1 : 1;
  const ordered = [...active].sort((left, right) => replicasOf(right) - replicasOf(left) || sign * byAge(left, right));
  const sizes = new Map<string, number>();
  let added = 0;
  for (const set of ordered) {
    const before = annotated(set, ANNOTATIONS.max) ?? deployment.status?.replicas ?? replicas;
    const fraction =
      replicas === 0 || before === 0
        ? -replicasOf(set)
        : Math.round((replicasOf(set) * allowed) / before) - replicasOf(set);
    const rest = add - added;
    const share = add === 0 ? 0 : add > 0 ? Math.min(fraction, rest) : Math.max(fraction, rest);
    sizes.set(set.metadata.name, replicasOf(set) + share);
    added += share;
  }
  const [first] = ordered;
  if (first !== undefined && add !== 0) {
    const { name } = first.metadata;
    sizes.set(name, Math.max(0, (sizes.get(name) ?? 0) + add - added));
  }
  return sizes;
};
