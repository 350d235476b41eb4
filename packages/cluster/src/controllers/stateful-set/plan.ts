import { sameJson } from '../../store/fields.ts';
import { withCondition, withoutCondition } from '../conditions.ts';
import { REVISION_LABEL } from '../history/plan.ts';
import type { Pod, PodTemplate } from '../objects.ts';
import { availableAt, isFinished, isReady, isTerminating } from '../pod-facts.ts';
import { type NewPod, newPod } from '../pods/new-pod.ts';
import { earliest } from '../time.ts';
import type { StatefulSet, StatefulSetStatus } from '../workload-objects.ts';

/** What a StatefulSet wants done. */
export interface StatefulSetPlan {
  readonly create: readonly NewPod[];
  readonly remove: readonly Pod[];
  readonly status?: StatefulSetStatus;
  /** When (ms) a pod becomes available by mere passing of time. */
  readonly lookAgainAt?: number;
  /** Why the set is not served at all. */
  readonly refused?: string;
}

/** What a plan is made of. */
export interface StatefulSetFacts {
  readonly set: StatefulSet;
  /** Pods that the set controls. */
  readonly pods: readonly Pod[];
  /** Name and template of the present revision, and of the one that the pods below the partition keep. */
  readonly update: { readonly name: string; readonly template: PodTemplate };
  readonly current: { readonly name: string; readonly template: PodTemplate };
  readonly nowMs: number;
}

/** Labels that tell pods of a set apart. */
const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

/** The ordinal in a pod's name; undefined when it is not one of this set's names. */
export const ordinalOf = (set: StatefulSet, pod: Pod): number | undefined => {
  const { name } = pod.metadata;
  const prefix = `${set.metadata.name}-`;
  const rest = name.slice(prefix.length);
  return name.startsWith(prefix) && /^(0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
};

const podOf = ({ set, update, current }: StatefulSetFacts, ordinal: number): NewPod => {
  const { updateStrategy, serviceName, ordinals } = set.spec;
  const partition = (ordinals?.start ?? 0) + (updateStrategy?.rollingUpdate?.partition ?? 0);
  const { name: revision, template } = ordinal < partition ? current : update;
  const name = `${set.metadata.name}-${ordinal}`;
  return newPod(set, template, {
    name,
    labels: { [POD_NAME]: name, [POD_INDEX]: String(ordinal), [REVISION_LABEL]: revision },
    spec: { hostname: name, ...(serviceName === undefined || serviceName === '' ? {} : { subdomain: serviceName }) },
  });
};

const isRevision = (pod: Pod, name: string): boolean => pod.metadata.labels?.[REVISION_LABEL] === name;

type Steps = Pick<StatefulSetPlan, 'create' | 'remove'>;
const REST: Steps = Object.freeze({ create: [], remove: [] });

/** The next pods to make and delete: one after the other unless the set is `Parallel` (Kubernetes docs, "StatefulSets"). */
const steps = (facts: StatefulSetFacts, byOrdinal: ReadonlyMap<number, Pod>): Steps => {
  const { set, update, nowMs } = facts;
  const { replicas = 1, ordinals, podManagementPolicy, minReadySeconds, updateStrategy } = set.spec;
  if (set.metadata.deletionTimestamp !== undefined) return REST;
  const parallel = podManagementPolicy === 'Parallel';
  const start = ordinals?.start ?? 0;
  const isHealthy = (pod: Pod): boolean =>
    !isTerminating(pod) && (availableAt(pod, minReadySeconds) ?? Infinity) <= nowMs;
  const create: NewPod[] = [];
  const remove: Pod[] = [];
  for (let ordinal = start; ordinal < start + replicas; ordinal += 1) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) create.push(podOf(facts, ordinal));
    else if (isFinished(pod) && !isTerminating(pod)) remove.push(pod);
    else if (isHealthy(pod)) continue;
    if (!parallel) return { create, remove };
  }
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= start + replicas)
    .sort(([left], [right]) => right - left)
    .map(([, pod]) => pod);
  for (const pod of condemned) {
    if (!isTerminating(pod)) remove.push(pod);
    if (!parallel) return { create, remove };
  }
  if (create.length + remove.length > 0 || updateStrategy?.type === 'OnDelete') return { create, remove };
  const least = start + (updateStrategy?.rollingUpdate?.partition ?? 0);
  for (let ordinal = start + replicas - 1; ordinal >= least; ordinal -= 1) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) return REST;
    if (!isRevision(pod, update.name)) return isTerminating(pod) ? REST : { create: [], remove: [pod] };
    if (!isHealthy(pod)) return REST;
  }
  return REST;
};

const readStatus = (
  facts: StatefulSetFacts,
  pods: readonly Pod[],
): { status: StatefulSetStatus; lookAgainAt?: number } => {
  const { set, update, current, nowMs } = facts;
  const alive = pods.filter((pod) => !isFinished(pod));
  const staying = alive.filter((pod) => !isTerminating(pod));
  const counts = (name: string): number => staying.filter((pod) => isRevision(pod, name)).length;
  let available = 0;
  let lookAgainAt: number | undefined;
  for (const pod of staying) {
    const at = availableAt(pod, set.spec.minReadySeconds);
    if (at === undefined) continue;
    if (at <= nowMs) available += 1;
    else lookAgainAt = earliest(lookAgainAt, at);
  }
  const readyReplicas = staying.filter(isReady).length;
  const updatedReplicas = counts(update.name);
  const done =
    updatedReplicas === alive.length && readyReplicas === alive.length && alive.length === (set.spec.replicas ?? 1);
  const conditions = withoutCondition(set.status?.conditions, UNSUPPORTED);
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: alive.length,
    readyReplicas,
    availableReplicas: available,
    currentReplicas: done ? updatedReplicas : counts(current.name),
    updatedReplicas,
    currentRevision: done ? update.name : current.name,
    updateRevision: update.name,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return lookAgainAt === undefined ? { status } : { status, lookAgainAt };
};

/** Condition of a set that asks for what this cluster does not have. */
const UNSUPPORTED = 'Unsupported';
const CLAIMS =
  'spec.volumeClaimTemplates is not supported: this cluster has no persistent volumes; use an emptyDir volume instead';

/** Decides what a StatefulSet needs. Sets with volume claims are refused: their pods would lose what they believe to keep. */
export const planStatefulSet = (facts: StatefulSetFacts): StatefulSetPlan => {
  const { set, pods, nowMs } = facts;
  if ((set.spec.volumeClaimTemplates ?? []).length > 0) {
    const verdict = { type: UNSUPPORTED, status: 'True', reason: 'VolumeClaimTemplates', message: CLAIMS } as const;
    const conditions = withCondition(set.status?.conditions, verdict, nowMs);
    const status = { replicas: 0, ...set.status, observedGeneration: set.metadata.generation ?? 0, conditions };
    return { ...REST, refused: CLAIMS, ...(sameJson(status, set.status ?? {}) ? {} : { status }) };
  }
  const byOrdinal = new Map<number, Pod>();
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  const { status, lookAgainAt } = readStatus(facts, [...byOrdinal.values()]);
  return {
    ...steps(facts, byOrdinal),
    ...(sameJson(status, set.status ?? {}) ? {} : { status }),
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
};
