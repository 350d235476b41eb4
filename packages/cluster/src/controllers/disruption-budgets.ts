import { type KubeObject, objectKey, TYPES } from '@osm/kube';
import { matchesSelector } from '../selectors/label-match.ts';
import { sameJson } from '../store/fields.ts';
import { withCondition } from './conditions.ts';
import { type Controller, type ControllerContext, neighbour } from './context.ts';
import { startLoop } from './loop.ts';
import type { IntOrPercent, Pod } from './objects.ts';
import { controllerOf } from './ownership.ts';
import { isFinished, isReady, isTerminating } from './pod-facts.ts';
import { earliest, millis } from './time.ts';
import type { PodDisruptionBudget, StatefulSet } from './workload-objects.ts';

/** An eviction that has not made its pod terminate within this time has come to nothing. */
const DISRUPTION_MS = 120_000;

/** What a budget's status is made of. */
export interface BudgetFacts {
  readonly budget: PodDisruptionBudget;
  /** Pods that the budget selects. */
  readonly pods: readonly Pod[];
  /** Replicas that the owners of these pods ask for. */
  readonly expected: number;
  readonly nowMs: number;
}

const share = (value: IntOrPercent, of: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number(value.replace('%', '')) * of) / 100) || 0;

/** The status of a budget (Kubernetes docs, "Specifying a Disruption Budget"), and when (ms) it may change by passing of time. */
export const budgetStatus = ({ budget, pods, expected, nowMs }: BudgetFacts) => {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const alive = pods.filter((pod) => !isFinished(pod));
  const expectedPods = typeof minAvailable === 'number' ? alive.length : expected;
  const desiredHealthy =
    maxUnavailable !== undefined
      ? Math.max(0, expectedPods - share(maxUnavailable, expectedPods))
      : share(minAvailable ?? 1, expectedPods);
  const disruptedPods: Record<string, string> = {};
  let lookAgainAt: number | undefined;
  for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = alive.find(({ metadata }) => metadata.name === name);
    const until = (millis(time) ?? 0) + DISRUPTION_MS;
    if (pod === undefined || isTerminating(pod) || until <= nowMs) continue;
    disruptedPods[name] = time;
    lookAgainAt = earliest(lookAgainAt, until);
  }
  const currentHealthy = alive.filter(
    (pod) => isReady(pod) && !isTerminating(pod) && disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const observedGeneration = budget.metadata.generation ?? 0;
  const enough = disruptionsAllowed > 0;
  const verdict = {
    type: 'DisruptionAllowed',
    status: enough ? 'True' : 'False',
    reason: enough ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration,
  } as const;
  const status = {
    observedGeneration,
    expectedPods,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    conditions: withCondition(budget.status?.conditions, verdict, nowMs),
  };
  return { status, lookAgainAt };
};

/** Keeps the status of PodDisruptionBudgets, by which evictions are allowed. */
export const startDisruptionBudgets = (context: ControllerContext): Controller => {
  const { mirrors } = context;
  const { pods, podsByNamespace, replicaSets, deployments } = mirrors;
  const budgets = mirrors.of<PodDisruptionBudget>(TYPES.podDisruptionBudgets);
  const statefulSets = mirrors.of<StatefulSet>(TYPES.statefulSets);
  const byNamespace = budgets.index((budget) => [budget.metadata.namespace ?? '']);

  /** The owner that says how many pods there should be. */
  const scaleOf = (pod: Pod): readonly [uid: string, replicas: number] => {
    const owner = controllerOf(pod);
    const key = neighbour(pod, owner?.name ?? '');
    if (owner?.kind === 'StatefulSet') return [owner.uid, statefulSets.get(key)?.spec.replicas ?? 1];
    const set = owner?.kind === 'ReplicaSet' ? replicaSets.get(key) : undefined;
    if (owner === undefined || set === undefined) return [pod.metadata.uid ?? '', 1];
    const above = controllerOf(set);
    const deployment = above && deployments.get(neighbour(set, above.name));
    return deployment === undefined
      ? [owner.uid, set.spec.replicas ?? 1]
      : [deployment.metadata.uid ?? '', deployment.spec.replicas ?? 1];
  };

  const loop = startLoop(context, {
    name: 'disruption',
    async reconcile(key) {
      const budget = budgets.get(key);
      if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return undefined;
      const selected = podsByNamespace
        .of(budget.metadata.namespace ?? '')
        .filter((pod) => matchesSelector(budget.spec?.selector, pod.metadata.labels));
      const expected = [...new Map(selected.map(scaleOf)).values()].reduce((sum, each) => sum + each, 0);
      const { status, lookAgainAt } = budgetStatus({ budget, pods: selected, expected, nowMs: context.now() });
      if (!sameJson(status, budget.status ?? {})) await budgets.updateStatus(budget, status);
      return lookAgainAt === undefined ? undefined : lookAgainAt - context.now();
    },
  });
  const addBudgetsOf = (namespace: string | undefined, matches: (budget: PodDisruptionBudget) => boolean): void => {
    for (const budget of byNamespace.of(namespace ?? '')) if (matches(budget)) loop.add(objectKey(budget));
  };
  const scaled = ({ metadata }: KubeObject): void => addBudgetsOf(metadata.namespace, () => true);
  const ends = [
    budgets.subscribe(({ object }) => loop.add(objectKey(object))),
    pods.subscribe(({ object }) =>
      addBudgetsOf(object.metadata.namespace, ({ spec }) => matchesSelector(spec?.selector, object.metadata.labels)),
    ),
    deployments.subscribe(({ object }) => scaled(object)),
    statefulSets.subscribe(({ object }) => scaled(object)),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};
