import type { PrinterColumn, ServedType, TypeSchema } from '../types.ts';
import { AGE, CREATED_AT, NAME } from './column.ts';
import * as core from './core-columns.ts';
import * as network from './network-columns.ts';
import { POD_COLUMNS } from './pod-columns.ts';
import * as policy from './policy-columns.ts';
import * as workload from './workload-columns.ts';

/** How a built-in kind differs from the plainest one (namespaced, no status, no short name, name and age shown). */
interface Traits {
  readonly cluster?: true;
  readonly short?: readonly string[];
  readonly all?: true;
  readonly status?: true;
  readonly scale?: true;
  readonly generation?: true;
  readonly columns?: readonly PrinterColumn[];
}

type Row = readonly [resource: string, kind: string, traits: Traits];

const CORE: readonly Row[] = [
  ['namespaces', 'Namespace', { cluster: true, short: ['ns'], status: true, columns: core.NAMESPACE_COLUMNS }],
  ['nodes', 'Node', { cluster: true, short: ['no'], status: true, columns: core.NODE_COLUMNS }],
  ['pods', 'Pod', { short: ['po'], all: true, status: true, generation: true, columns: POD_COLUMNS }],
  ['services', 'Service', { short: ['svc'], all: true, status: true, columns: network.SERVICE_COLUMNS }],
  ['endpoints', 'Endpoints', { short: ['ep'], columns: network.ENDPOINTS_COLUMNS }],
  ['secrets', 'Secret', { columns: core.SECRET_COLUMNS }],
  ['configmaps', 'ConfigMap', { short: ['cm'], columns: core.CONFIG_MAP_COLUMNS }],
  ['serviceaccounts', 'ServiceAccount', { short: ['sa'], columns: core.SERVICE_ACCOUNT_COLUMNS }],
  ['events', 'Event', { short: ['ev'], columns: core.EVENT_COLUMNS }],
  ['persistentvolumeclaims', 'PersistentVolumeClaim', { short: ['pvc'], status: true, columns: core.CLAIM_COLUMNS }],
  [
    'persistentvolumes',
    'PersistentVolume',
    { cluster: true, short: ['pv'], status: true, columns: core.VOLUME_COLUMNS },
  ],
  ['limitranges', 'LimitRange', { short: ['limits'], columns: [NAME, CREATED_AT] }],
  ['resourcequotas', 'ResourceQuota', { short: ['quota'], status: true, columns: core.QUOTA_COLUMNS }],
];

const WORKLOAD = { all: true, status: true, generation: true } as const;

const APPS: readonly Row[] = [
  ['deployments', 'Deployment', { ...WORKLOAD, short: ['deploy'], scale: true, columns: workload.DEPLOYMENT_COLUMNS }],
  ['replicasets', 'ReplicaSet', { ...WORKLOAD, short: ['rs'], scale: true, columns: workload.REPLICA_SET_COLUMNS }],
  ['statefulsets', 'StatefulSet', { ...WORKLOAD, short: ['sts'], scale: true, columns: workload.STATEFUL_SET_COLUMNS }],
  ['daemonsets', 'DaemonSet', { ...WORKLOAD, short: ['ds'], columns: workload.DAEMON_SET_COLUMNS }],
  ['controllerrevisions', 'ControllerRevision', { columns: workload.CONTROLLER_REVISION_COLUMNS }],
];

const BATCH: readonly Row[] = [
  ['jobs', 'Job', { ...WORKLOAD, columns: workload.JOB_COLUMNS }],
  ['cronjobs', 'CronJob', { ...WORKLOAD, short: ['cj'], columns: workload.CRON_JOB_COLUMNS }],
];

const NETWORKING: readonly Row[] = [
  ['ingresses', 'Ingress', { short: ['ing'], status: true, generation: true, columns: network.INGRESS_COLUMNS }],
  ['ingressclasses', 'IngressClass', { cluster: true, generation: true, columns: network.INGRESS_CLASS_COLUMNS }],
  [
    'networkpolicies',
    'NetworkPolicy',
    { short: ['netpol'], generation: true, columns: network.NETWORK_POLICY_COLUMNS },
  ],
];

const AUTOSCALER: Row = [
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
  { short: ['hpa'], all: true, status: true, columns: policy.AUTOSCALER_COLUMNS },
];

const RBAC: readonly Row[] = [
  ['roles', 'Role', { columns: policy.ROLE_COLUMNS }],
  ['rolebindings', 'RoleBinding', { columns: policy.BINDING_COLUMNS }],
  ['clusterroles', 'ClusterRole', { cluster: true, columns: policy.ROLE_COLUMNS }],
  ['clusterrolebindings', 'ClusterRoleBinding', { cluster: true, columns: policy.BINDING_COLUMNS }],
];

const WEBHOOK = { cluster: true, generation: true, columns: policy.WEBHOOK_COLUMNS } as const;

const ADMISSION: readonly Row[] = [
  ['mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', WEBHOOK],
  ['validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', WEBHOOK],
  [
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    { cluster: true, generation: true, status: true, columns: policy.ADMISSION_POLICY_COLUMNS },
  ],
  [
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    { cluster: true, generation: true, columns: policy.ADMISSION_POLICY_BINDING_COLUMNS },
  ],
];

/** Every built-in kind, by group and version, in the order in which discovery lists the groups. */
const TABLE: readonly (readonly [group: string, version: string, rows: readonly Row[]])[] = [
  ['', 'v1', CORE],
  ['events.k8s.io', 'v1', [['events', 'Event', { short: ['ev'], columns: core.EVENT_COLUMNS }]]],
  ['apps', 'v1', APPS],
  ['autoscaling', 'v2', [AUTOSCALER]],
  ['autoscaling', 'v1', [AUTOSCALER]],
  ['batch', 'v1', BATCH],
  ['networking.k8s.io', 'v1', NETWORKING],
  [
    'policy',
    'v1',
    [
      [
        'poddisruptionbudgets',
        'PodDisruptionBudget',
        { short: ['pdb'], status: true, generation: true, columns: policy.DISRUPTION_BUDGET_COLUMNS },
      ],
    ],
  ],
  ['rbac.authorization.k8s.io', 'v1', RBAC],
  [
    'storage.k8s.io',
    'v1',
    [['storageclasses', 'StorageClass', { cluster: true, short: ['sc'], columns: policy.STORAGE_CLASS_COLUMNS }]],
  ],
  ['admissionregistration.k8s.io', 'v1', ADMISSION],
  [
    'apiextensions.k8s.io',
    'v1',
    [
      [
        'customresourcedefinitions',
        'CustomResourceDefinition',
        { cluster: true, short: ['crd', 'crds'], status: true, generation: true, columns: [NAME, CREATED_AT] },
      ],
    ],
  ],
  [
    'scheduling.k8s.io',
    'v1',
    [
      [
        'priorityclasses',
        'PriorityClass',
        { cluster: true, short: ['pc'], generation: true, columns: policy.PRIORITY_CLASS_COLUMNS },
      ],
    ],
  ],
  ['coordination.k8s.io', 'v1', [['leases', 'Lease', { columns: policy.LEASE_COLUMNS }]]],
  [
    'discovery.k8s.io',
    'v1',
    [['endpointslices', 'EndpointSlice', { generation: true, columns: network.ENDPOINT_SLICE_COLUMNS }]],
  ],
];

/** Where the schema of a kind comes from. */
export type SchemaSource = (group: string, version: string, kind: string) => TypeSchema | undefined;

/** The built-in kinds that the API serves, each with its schema. Throws when a schema is missing. */
export const builtinTypes = (schemaOf: SchemaSource): readonly ServedType[] =>
  TABLE.flatMap(([group, version, rows]) =>
    rows.map(([resource, kind, traits]) => {
      const schema = schemaOf(group, version, kind);
      if (schema === undefined)
        throw new Error(`the Kubernetes schema has no definition of ${kind} (${group || 'core'}/${version})`);
      return Object.freeze({
        group,
        version,
        resource,
        kind,
        namespaced: traits.cluster !== true,
        singular: kind.toLowerCase(),
        listKind: `${kind}List`,
        shortNames: traits.short ?? [],
        categories: traits.all === true ? ['all'] : [],
        storageVersion: resource === 'horizontalpodautoscalers' ? 'v2' : version,
        schema,
        subresources: {
          status: traits.status === true,
          ...(traits.scale === true ? { scale: SCALE } : {}),
        },
        columns: traits.columns ?? [NAME, AGE],
        custom: false,
        hasGeneration: traits.generation === true,
      });
    }),
  );

const SCALE = Object.freeze({
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
});

/** A kind that is asked, not stored: one POST, one answer. */
export interface ReviewType {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const review = (group: string, resource: string, kind: string, namespaced = false): ReviewType =>
  Object.freeze({ group, version: 'v1', resource, kind, namespaced });

/** The kinds that are asked, not stored. */
export const REVIEW_TYPES: readonly ReviewType[] = Object.freeze([
  review('authentication.k8s.io', 'tokenreviews', 'TokenReview'),
  review('authentication.k8s.io', 'selfsubjectreviews', 'SelfSubjectReview'),
  review('authorization.k8s.io', 'subjectaccessreviews', 'SubjectAccessReview'),
  review('authorization.k8s.io', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io', 'localsubjectaccessreviews', 'LocalSubjectAccessReview', true),
]);
