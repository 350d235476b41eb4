import type { ResourceType } from './types.ts';

const of = (group: string, version: string, resource: string, kind: string, namespaced = true): ResourceType =>
  Object.freeze({ group, version, resource, kind, namespaced });

/** The built-in resource types that this project reads or writes (Kubernetes API reference, v1.37). */
export const TYPES = Object.freeze({
  namespaces: of('', 'v1', 'namespaces', 'Namespace', false),
  nodes: of('', 'v1', 'nodes', 'Node', false),
  pods: of('', 'v1', 'pods', 'Pod'),
  services: of('', 'v1', 'services', 'Service'),
  endpoints: of('', 'v1', 'endpoints', 'Endpoints'),
  secrets: of('', 'v1', 'secrets', 'Secret'),
  configMaps: of('', 'v1', 'configmaps', 'ConfigMap'),
  serviceAccounts: of('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  coreEvents: of('', 'v1', 'events', 'Event'),
  persistentVolumeClaims: of('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim'),
  deployments: of('apps', 'v1', 'deployments', 'Deployment'),
  replicaSets: of('apps', 'v1', 'replicasets', 'ReplicaSet'),
  statefulSets: of('apps', 'v1', 'statefulsets', 'StatefulSet'),
  daemonSets: of('apps', 'v1', 'daemonsets', 'DaemonSet'),
  jobs: of('batch', 'v1', 'jobs', 'Job'),
  endpointSlices: of('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  ingresses: of('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  leases: of('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  podDisruptionBudgets: of('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  customResourceDefinitions: of(
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
  mutatingWebhooks: of(
    'admissionregistration.k8s.io',
    'v1',
    'mutatingwebhookconfigurations',
    'MutatingWebhookConfiguration',
    false,
  ),
  validatingWebhooks: of(
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
  ),
  tokenReviews: of('authentication.k8s.io', 'v1', 'tokenreviews', 'TokenReview', false),
  clusterRoles: of('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false),
  clusterRoleBindings: of('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
});
