import type { KubeObject, ResourceType } from '@osm/kube';

/** Resource types that only the contract asks for. */
const of = (group: string, version: string, resource: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version,
  resource,
  kind,
  namespaced,
});
export const ROLES = of('rbac.authorization.k8s.io', 'v1', 'roles', 'Role');
export const ROLE_BINDINGS = of('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding');
export const ACCESS_REVIEWS = of('authorization.k8s.io', 'v1', 'subjectaccessreviews', 'SubjectAccessReview', false);
export const OWN_ACCESS_REVIEWS = of(
  'authorization.k8s.io',
  'v1',
  'selfsubjectaccessreviews',
  'SelfSubjectAccessReview',
  false,
);
export const RULES_REVIEWS = of(
  'authorization.k8s.io',
  'v1',
  'selfsubjectrulesreviews',
  'SelfSubjectRulesReview',
  false,
);
export const SELF_REVIEWS = of('authentication.k8s.io', 'v1', 'selfsubjectreviews', 'SelfSubjectReview', false);
export const EVENTS = of('events.k8s.io', 'v1', 'events', 'Event');

/** A ConfigMap. */
export const configMap = (
  name: string,
  data: Readonly<Record<string, string>> = {},
  labels: Readonly<Record<string, string>> = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});

/** The template of pods that never run: nobody has the image, and no scheduler by that name. */
export const podTemplate = (labels: Readonly<Record<string, string>>): object => ({
  metadata: { labels },
  spec: {
    schedulerName: 'contract-nobody',
    containers: [{ name: 'main', image: 'contract.invalid/none:1', ports: [{ name: 'http', containerPort: 8080 }] }],
  },
});

/** A Deployment whose pods nobody runs. */
export const deployment = (name: string, replicas = 0): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate({ app: name }) },
});
