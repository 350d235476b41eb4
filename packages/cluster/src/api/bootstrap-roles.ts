import type { KubeObject } from '@osm/kube';

const RBAC = 'rbac.authorization.k8s.io/v1';
const BOOTSTRAP = { labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } };

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const ALL = [...READ, ...WRITE];

const rule = (verbs: readonly string[], apiGroups: readonly string[], resources: readonly string[]): Rule => ({
  verbs,
  apiGroups,
  resources,
});

const role = (name: string, rules: readonly Rule[], labels: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: RBAC,
  kind: 'ClusterRole',
  metadata: { name, labels: { ...BOOTSTRAP.labels, ...labels } },
  rules,
});

const binding = (
  name: string,
  subjects: readonly (readonly ['User' | 'Group', string])[],
  roleName = name,
): KubeObject => ({
  apiVersion: RBAC,
  kind: 'ClusterRoleBinding',
  metadata: { name, ...BOOTSTRAP },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
  subjects: subjects.map(([kind, subject]) => ({ kind, apiGroup: 'rbac.authorization.k8s.io', name: subject })),
});

/** What somebody may see in a namespace; secrets are not among it, they would let him act as others. */
const VIEW: readonly Rule[] = [
  rule(
    READ,
    [''],
    [
      'configmaps',
      'endpoints',
      'events',
      'limitranges',
      'namespaces',
      'namespaces/status',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status',
      'pods',
      'pods/log',
      'pods/status',
      'resourcequotas',
      'resourcequotas/status',
      'serviceaccounts',
      'services',
      'services/status',
    ],
  ),
  rule(READ, ['apps'], ['*']),
  rule(READ, ['autoscaling', 'batch', 'discovery.k8s.io', 'events.k8s.io', 'networking.k8s.io', 'policy'], ['*']),
];

/** What somebody may change in a namespace, roles excepted. */
const EDIT: readonly Rule[] = [
  rule(READ, [''], ['secrets', 'pods/attach', 'pods/exec', 'pods/portforward']),
  rule(
    WRITE,
    [''],
    ['configmaps', 'events', 'persistentvolumeclaims', 'pods', 'secrets', 'serviceaccounts', 'services'],
  ),
  rule(['create'], [''], ['pods/attach', 'pods/eviction', 'pods/exec', 'pods/portforward', 'serviceaccounts/token']),
  rule(['impersonate'], [''], ['serviceaccounts']),
  rule(
    WRITE,
    ['apps'],
    [
      'daemonsets',
      'deployments',
      'deployments/scale',
      'replicasets',
      'replicasets/scale',
      'statefulsets',
      'statefulsets/scale',
    ],
  ),
  rule(WRITE, ['autoscaling'], ['horizontalpodautoscalers']),
  rule(WRITE, ['batch'], ['cronjobs', 'jobs']),
  rule(WRITE, ['networking.k8s.io'], ['ingresses', 'networkpolicies']),
  rule(WRITE, ['policy'], ['poddisruptionbudgets']),
  rule(ALL, ['coordination.k8s.io'], ['leases']),
];

const ADMIN: readonly Rule[] = [
  rule(ALL, ['rbac.authorization.k8s.io'], ['roles', 'rolebindings']),
  rule(['create'], ['authorization.k8s.io'], ['localsubjectaccessreviews']),
];

/** What the kubelet of the one node does: its node, the pods on it, and what those pods mount. */
const NODE: readonly Rule[] = [
  rule([...READ, 'create', 'update', 'patch'], [''], ['nodes']),
  rule(['update', 'patch'], [''], ['nodes/status', 'pods/status']),
  rule([...READ, 'create', 'delete'], [''], ['pods']),
  rule(['create'], [''], ['pods/eviction', 'serviceaccounts/token']),
  rule(
    READ,
    [''],
    [
      'configmaps',
      'endpoints',
      'namespaces',
      'persistentvolumeclaims',
      'persistentvolumes',
      'secrets',
      'serviceaccounts',
      'services',
    ],
  ),
  rule(READ, ['discovery.k8s.io'], ['endpointslices']),
  rule(['create', 'update', 'patch'], ['', 'events.k8s.io'], ['events']),
  rule(['get', 'create', 'update', 'patch', 'delete'], ['coordination.k8s.io'], ['leases']),
  rule(['create'], ['authentication.k8s.io'], ['tokenreviews']),
  rule(['create'], ['authorization.k8s.io'], ['subjectaccessreviews', 'localsubjectaccessreviews']),
];

const PUBLIC_PATHS = ['/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/'];

const aggregate = (to: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' });

const aggregated = (name: string, rules: readonly Rule[]): KubeObject => ({
  ...role(name, rules, name === 'view' ? aggregate('edit') : name === 'edit' ? aggregate('admin') : {}),
  // Roles that carry the label extend these: charts use it to make their own kinds visible to viewers and editors.
  aggregationRule: {
    clusterRoleSelectors: [{ matchLabels: aggregate(name) }],
  },
});

/**
 * The roles and bindings that every cluster begins with
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
 */
export const BOOTSTRAP_ROLES: readonly KubeObject[] = Object.freeze([
  role('cluster-admin', [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ]),
  aggregated('admin', [...VIEW, ...EDIT, ...ADMIN]),
  aggregated('edit', [...VIEW, ...EDIT]),
  aggregated('view', VIEW),
  role('system:discovery', [
    {
      verbs: ['get'],
      nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...PUBLIC_PATHS],
    },
  ]),
  role('system:public-info-viewer', [{ verbs: ['get'], nonResourceURLs: PUBLIC_PATHS }]),
  role('system:basic-user', [
    rule(['create'], ['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']),
    rule(['create'], ['authentication.k8s.io'], ['selfsubjectreviews']),
  ]),
  role('system:service-account-issuer-discovery', [
    { verbs: ['get'], nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks', '/openid/v1/jwks/'] },
  ]),
  role('system:auth-delegator', [
    rule(['create'], ['authentication.k8s.io'], ['tokenreviews']),
    rule(['create'], ['authorization.k8s.io'], ['subjectaccessreviews']),
  ]),
  role('system:node', NODE),
  // The garbage collector and the namespace controller meet objects of every kind. No impersonation, no escalation.
  role('system:kube-controller-manager', [
    rule(ALL, ['*'], ['*']),
    { verbs: ['get'], nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', ...PUBLIC_PATHS] },
  ]),
  binding('cluster-admin', [['Group', 'system:masters']]),
  binding('system:discovery', [['Group', 'system:authenticated']]),
  binding('system:basic-user', [['Group', 'system:authenticated']]),
  binding('system:public-info-viewer', [
    ['Group', 'system:authenticated'],
    ['Group', 'system:unauthenticated'],
  ]),
  binding('system:service-account-issuer-discovery', [['Group', 'system:serviceaccounts']]),
  binding('system:node', [['Group', 'system:nodes']]),
  binding('system:kube-controller-manager', [['User', 'system:kube-controller-manager']]),
]);
