import { sameJson } from '../../store/fields.ts';
import { REVISION_LABEL } from '../history/plan.ts';
import type { IntOrPercent, Node, Pod, PodTemplate, Toleration } from '../objects.ts';
import { availableAt, isFinished, isReady, isTerminating } from '../pod-facts.ts';
import { type NewPod, newPod } from '../pods/new-pod.ts';
import { matchesSelection, untolerated } from '../scheduler/node-match.ts';
import { earliest } from '../time.ts';
import type { DaemonSet, DaemonSetStatus } from '../workload-objects.ts';

/** What a DaemonSet wants done. */
export interface DaemonSetPlan {
  readonly create: readonly NewPod[];
  readonly remove: readonly Pod[];
  readonly status?: DaemonSetStatus;
  /** When (ms) a pod becomes available by mere passing of time. */
  readonly lookAgainAt?: number;
}

/** What a plan is made of. */
export interface DaemonSetFacts {
  readonly set: DaemonSet;
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  /** Value of the revision label of the present template. */
  readonly hash: string;
  readonly nowMs: number;
}

const exists = (key: string, effect: string): Toleration => ({ key, operator: 'Exists', effect });

/** What pods of DaemonSets put up with (Kubernetes docs, "DaemonSet: Taints and tolerations"). */
const TOLERATIONS: readonly Toleration[] = Object.freeze([
  exists('node.kubernetes.io/not-ready', 'NoExecute'),
  exists('node.kubernetes.io/unreachable', 'NoExecute'),
  exists('node.kubernetes.io/disk-pressure', 'NoSchedule'),
  exists('node.kubernetes.io/memory-pressure', 'NoSchedule'),
  exists('node.kubernetes.io/pid-pressure', 'NoSchedule'),
  exists('node.kubernetes.io/unschedulable', 'NoSchedule'),
]);

/** The template with the tolerations every daemon has. */
const tolerant = ({ spec, ...rest }: PodTemplate): PodTemplate => ({
  ...rest,
  spec: { ...spec, tolerations: [...(spec.tolerations ?? []), ...TOLERATIONS] },
});

const onNode = (template: PodTemplate, node: string): Readonly<Record<string, unknown>> => {
  const { affinity } = template.spec;
  const field = { key: 'metadata.name', operator: 'In', values: [node] };
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
  const nodeSelectorTerms = terms.map((term) => ({ ...term, matchFields: [field] }));
  const nodeAffinity = {
    ...affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  };
  return { affinity: { ...affinity, nodeAffinity } };
};

/** The node a daemon runs on or is meant for. */
const nodeOf = ({ spec }: Pod): string | undefined => {
  if ((spec.nodeName ?? '') !== '') return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')?.values?.[0];
};

const shouldRun = (set: DaemonSet, node: Node): boolean => {
  const probe = newPod(set, tolerant(set.spec.template), { name: 'probe' }) as unknown as Pod;
  return matchesSelection(probe, node) && untolerated(probe, node, ['NoSchedule', 'NoExecute']) === undefined;
};

/** Oldest first: of two daemons on a node the younger one goes. */
const oldestFirst = (left: Pod, right: Pod): number =>
  (left.metadata.creationTimestamp ?? '') < (right.metadata.creationTimestamp ?? '') ? -1 : 1;

const share = (value: IntOrPercent | undefined, of: number): number => {
  const given = value ?? 1;
  const resolved = typeof given === 'number' ? given : Math.ceil((Number(given.replace('%', '')) * of) / 100);
  return Math.max(1, resolved || 0);
};

/** Decides what a DaemonSet needs: one pod on each node that its template allows (Kubernetes docs, "DaemonSet"). */
export const planDaemonSet = (facts: DaemonSetFacts): DaemonSetPlan => {
  const { set, pods, nodes, hash } = facts;
  const wanted = new Set(nodes.filter((node) => shouldRun(set, node)).map(({ metadata }) => metadata.name));
  const byNode = new Map<string, Pod[]>();
  for (const pod of [...pods].sort(oldestFirst)) {
    const node = nodeOf(pod) ?? '';
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  const create: NewPod[] = [];
  const remove: Pod[] = [];
  const template = tolerant(set.spec.template);
  const leaving = set.metadata.deletionTimestamp !== undefined;
  for (const node of wanted) {
    const present = byNode.get(node) ?? [];
    remove.push(...present.filter((pod) => isFinished(pod) && !isTerminating(pod)));
    remove.push(...present.filter((pod) => !isFinished(pod) && !isTerminating(pod)).slice(1));
    // A pod that is still ending keeps its place, as two daemons of one node could stand in each other's way.
    if (present.length > 0) continue;
    const labels = { [REVISION_LABEL]: hash };
    create.push(newPod(set, template, { labels, spec: onNode(template, node) }));
  }
  for (const [node, present] of byNode)
    if (!wanted.has(node)) remove.push(...present.filter((pod) => !isTerminating(pod)));
  const { status, lookAgainAt, unavailable } = readStatus(facts, wanted, byNode);
  if (create.length + remove.length === 0) remove.push(...outdated(facts, wanted, byNode, unavailable));
  return {
    create: leaving ? [] : create,
    remove: leaving ? [] : remove,
    ...(sameJson(status, set.status ?? {}) ? {} : { status }),
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
};

/** Pods of former templates that may go now: those that are no loss at once, others as far as maxUnavailable allows. */
const outdated = (
  { set: { spec }, hash, nowMs }: DaemonSetFacts,
  wanted: ReadonlySet<string>,
  byNode: ReadonlyMap<string, readonly Pod[]>,
  unavailable: number,
): readonly Pod[] => {
  if (spec.updateStrategy?.type === 'OnDelete') return [];
  const old = [...wanted]
    .flatMap((node) => byNode.get(node) ?? [])
    .filter((pod) => !isTerminating(pod) && pod.metadata.labels?.[REVISION_LABEL] !== hash);
  const isUseless = (pod: Pod): boolean => (availableAt(pod, spec.minReadySeconds) ?? Infinity) > nowMs;
  const room = share(spec.updateStrategy?.rollingUpdate?.maxUnavailable, wanted.size) - unavailable;
  const useful = old.filter((pod) => !isUseless(pod));
  return [...old.filter(isUseless), ...useful.slice(0, Math.max(0, room))];
};

const readStatus = (
  { set, hash, nowMs }: DaemonSetFacts,
  wanted: ReadonlySet<string>,
  byNode: ReadonlyMap<string, readonly Pod[]>,
): { status: DaemonSetStatus; lookAgainAt?: number; unavailable: number } => {
  const firsts = [...wanted].flatMap((node) => byNode.get(node)?.find((pod) => !isTerminating(pod)) ?? []);
  let available = 0;
  let lookAgainAt: number | undefined;
  for (const pod of firsts) {
    const at = availableAt(pod, set.spec.minReadySeconds);
    if (at === undefined) continue;
    if (at <= nowMs) available += 1;
    else lookAgainAt = earliest(lookAgainAt, at);
  }
  const unavailable = wanted.size - available;
  const status = {
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: wanted.size,
    currentNumberScheduled: firsts.length,
    numberMisscheduled: [...byNode].filter(([node, pods]) => !wanted.has(node) && !pods.every(isFinished)).length,
    numberReady: firsts.filter(isReady).length,
    updatedNumberScheduled: firsts.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === hash).length,
    numberAvailable: available,
    ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
  };
  return lookAgainAt === undefined ? { status, unavailable } : { status, lookAgainAt, unavailable };
};
