import { matchesSelector } from '../../selectors/label-match.ts';
import { sameJson } from '../../store/fields.ts';
import { shortHash } from '../history/short-hash.ts';
import type { Deployment, PodTemplate, ReplicaSet } from '../objects.ts';

/** Label by which the pods of one revision are told apart. */
export const HASH_LABEL = 'pod-template-hash';

/** Annotations of Deployments and ReplicaSets that `kubectl rollout` reads. */
export const ANNOTATIONS = Object.freeze({
  revision: 'deployment.kubernetes.io/revision',
  history: 'deployment.kubernetes.io/revision-history',
  desired: 'deployment.kubernetes.io/desired-replicas',
  max: 'deployment.kubernetes.io/max-replicas',
});

/** Not handed on from a Deployment to its ReplicaSets. */
const OWN_ANNOTATIONS = new Set<string>([
  ...Object.values(ANNOTATIONS),
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
]);

/** The template without what only a ReplicaSet's copy has. */
const plain = (template: PodTemplate): PodTemplate => {
  const { creationTimestamp: _creationTimestamp, labels = {}, ...metadata } = template.metadata ?? {};
  const { [HASH_LABEL]: _hash, ...own } = labels;
  return { ...template, metadata: { ...metadata, labels: own } };
};

/** Whether two templates describe the same pods. */
export const sameTemplate = (left: PodTemplate, right: PodTemplate): boolean => sameJson(plain(left), plain(right));

/** The value of {@link HASH_LABEL} for a Deployment's present template. */
export const templateHash = (deployment: Deployment): string =>
  shortHash(plain(deployment.spec.template), deployment.status?.collisionCount);

/** Oldest first. */
export const byAge = (left: ReplicaSet, right: ReplicaSet): number => {
  const [a = '', b = ''] = [left.metadata.creationTimestamp, right.metadata.creationTimestamp];
  if (a !== b) return a < b ? -1 : 1;
  return left.metadata.name < right.metadata.name ? -1 : 1;
};

/** The ReplicaSet of the Deployment's present template: the oldest if there are several. */
export const newReplicaSet = (deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  [...sets].sort(byAge).find((set) => sameTemplate(set.spec.template, deployment.spec.template));

/** The revision number of a Deployment or ReplicaSet; 0 when it has none. */
export const revisionOf = (object: Deployment | ReplicaSet): number => {
  const value = Number(object.metadata.annotations?.[ANNOTATIONS.revision] ?? 0);
  return Number.isSafeInteger(value) ? value : 0;
};

/** Annotations of the present revision's ReplicaSet: the Deployment's own, and the revision with its history. */
export const revisionAnnotations = (
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number,
): Readonly<Record<string, string>> => {
  const before = set?.metadata.annotations ?? {};
  const handedOn = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !OWN_ANNOTATIONS.has(key));
  const old = set === undefined ? 0 : revisionOf(set);
  const next: Record<string, string> = { ...before, ...Object.fromEntries(handedOn) };
  if (old >= revision) return next;
  next[ANNOTATIONS.revision] = String(revision);
  if (old > 0) next[ANNOTATIONS.history] = [before[ANNOTATIONS.history], String(old)].filter(Boolean).join(',');
  return next;
};

/** A ReplicaSet for the Deployment's present template, without its number of replicas. */
export const replicaSetOf = (deployment: Deployment, annotations: Readonly<Record<string, string>>) => {
  const hash = templateHash(deployment);
  const { template, selector, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? 'default',
      labels,
      annotations,
    },
    spec: {
      ...(minReadySeconds === undefined || minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  } as const;
};

/** Whether the template's labels match the selector: a Deployment for which they do not can have no pods. */
export const selectsItself = ({ spec }: Deployment): boolean =>
  matchesSelector(spec.selector, spec.template.metadata?.labels);
