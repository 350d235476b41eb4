import type { Node, NodeRequirement, NodeTerm, Pod, Toleration } from '../objects.ts';

/** Label of nodes whose pods have no processes: only pods that ask for them get there. */
export const HOLLOW_NODE = 'openservicemesh.io/hollow-node';

const holds = ({ operator, values = [] }: NodeRequirement, value: string | undefined): boolean => {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
};

/** Whether a node matches a term: all its requirements hold. A term without any matches nothing. */
export const matchesTerm = (node: Node, { matchExpressions = [], matchFields = [] }: NodeTerm): boolean => {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => holds(requirement, node.metadata.labels?.[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, node.metadata.name))
  );
};

const requiredTerms = ({ spec }: Pod): readonly NodeTerm[] | undefined =>
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;

/** Whether the node is one that the pod's nodeSelector and required node affinity allow (Kubernetes docs, "Assigning Pods to Nodes"). */
export const matchesSelection = (pod: Pod, node: Node): boolean => {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = requiredTerms(pod);
  return terms === undefined || terms.some((term) => matchesTerm(node, term));
};

const tolerates = (
  { key, operator = 'Equal', value = '', effect }: Toleration,
  taint: { readonly key: string; readonly value?: string; readonly effect: string },
): boolean => {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
  if (key === undefined || key === '') return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
};

/** The first taint of the given effects that the pod does not tolerate (Kubernetes docs, "Taints and Tolerations"). */
export const untolerated = (pod: Pod, node: Node, effects: readonly string[]): string | undefined => {
  const taint = (node.spec?.taints ?? []).find(
    (candidate) =>
      effects.includes(candidate.effect) &&
      !(pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, candidate)),
  );
  return taint === undefined ? undefined : `${taint.key}: ${taint.value ?? ''}`;
};

/** Whether the pod asks for hollow nodes: it names their label, or a node by name, or tolerates the label as if it were a taint. */
export const asksForHollow = (pod: Pod): boolean => {
  const names = (requirements: readonly NodeRequirement[] = []): boolean =>
    requirements.some(({ key }) => key === HOLLOW_NODE || key === 'metadata.name' || key === 'kubernetes.io/hostname');
  const selector = pod.spec.nodeSelector ?? {};
  return (
    HOLLOW_NODE in selector ||
    'kubernetes.io/hostname' in selector ||
    (requiredTerms(pod) ?? []).some(
      ({ matchExpressions, matchFields }) => names(matchExpressions) || names(matchFields),
    ) ||
    (pod.spec.tolerations ?? []).some(({ key }) => key === HOLLOW_NODE)
  );
};
