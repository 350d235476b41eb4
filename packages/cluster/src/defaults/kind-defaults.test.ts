import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '../store/fields.ts';
import { applyKindDefaults } from './kind-defaults.ts';
import { validateKind } from './kind-faults.ts';
import { withoutTypeFields } from './service-transition.ts';
import { objectOf, TYPES, typeOf } from './testing/types.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
const fill = (kind: string, fields: object, metadata: object = {}): any => {
  const type = typeOf(kind);
  const given = deepFreeze(objectOf(type, fields, metadata));
  const filled = applyKindDefaults(type, given);
  assert.deepEqual(applyKindDefaults(type, filled), filled, 'defaults are the same the second time');
  return filled;
};

const container = (fields: object = {}) => ({ name: 'app', image: 'nginx:1', ...fields });
const containerOf = (fields: object) => fill('Pod', { spec: { containers: [container(fields)] } }).spec.containers[0];

test('a pod gets everything that it leaves out', () => {
  assert.deepEqual(fill('Pod', { spec: { containers: [container()] } }).spec, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    containers: [
      {
        name: 'app',
        image: 'nginx:1',
        imagePullPolicy: 'IfNotPresent',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
  });
});

test('images without a tag, or with the latest, are always pulled', () => {
  for (const [image, policy] of [
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1', 'IfNotPresent'],
    ['host:5000/nginx', 'Always'],
    ['host:5000/nginx:1', 'IfNotPresent'],
    ['nginx@sha256:0', 'IfNotPresent'],
  ] as const)
    assert.equal(containerOf({ image }).imagePullPolicy, policy, image);
  assert.equal(containerOf({ image: 'nginx', imagePullPolicy: 'Never' }).imagePullPolicy, 'Never');
});

test('parts of containers get theirs', () => {
  const probe = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  const table: readonly (readonly [given: object, field: string, wanted: unknown])[] = [
    [{ ports: [{ containerPort: 80 }] }, 'ports', [{ containerPort: 80, protocol: 'TCP' }]],
    [
      { livenessProbe: { httpGet: { port: 80 }, periodSeconds: 3, timeoutSeconds: 0 } },
      'livenessProbe',
      { ...probe, periodSeconds: 3, httpGet: { port: 80, path: '/', scheme: 'HTTP' } },
    ],
    [{ readinessProbe: { grpc: { port: 1 } } }, 'readinessProbe', { ...probe, grpc: { port: 1, service: '' } }],
    [{ startupProbe: { exec: { command: ['x'] } } }, 'startupProbe', { ...probe, exec: { command: ['x'] } }],
    [
      { lifecycle: { preStop: { httpGet: { port: 'a' } } } },
      'lifecycle',
      { preStop: { httpGet: { port: 'a', path: '/', scheme: 'HTTP' } } },
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
      'env',
      [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
    ],
    [{ env: [{ name: 'A', value: '' }] }, 'env', [{ name: 'A', value: '' }]],
    [
      { resources: { limits: { cpu: 1, memory: '1024Mi' }, requests: { cpu: '0.5' } } },
      'resources',
      { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
    ],
  ];
  for (const [given, field, wanted] of table) assert.deepEqual(containerOf(given)[field], wanted);
});

test('volumes get their modes, and a volume without a source is an empty directory', () => {
  const volumes = (volume: object) =>
    fill('Pod', { spec: { containers: [container()], volumes: [{ name: 'v', ...volume }] } }).spec.volumes[0];
  const table: readonly (readonly [object, object])[] = [
    [{}, { emptyDir: {} }],
    [{ secret: { secretName: 's' } }, { secret: { secretName: 's', defaultMode: 420 } }],
    [{ configMap: { name: 'c', defaultMode: 0 } }, { configMap: { name: 'c', defaultMode: 0 } }],
    [{ hostPath: { path: '/x' } }, { hostPath: { path: '/x', type: '' } }],
    [
      { downwardAPI: { items: [{ path: 'a', fieldRef: { fieldPath: 'metadata.name' } }] } },
      {
        downwardAPI: {
          defaultMode: 420,
          items: [{ path: 'a', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }],
        },
      },
    ],
    [
      { projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      { projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] } },
    ],
  ];
  for (const [given, wanted] of table) assert.deepEqual(volumes(given), { name: 'v', ...wanted });
});

test('a pod on the network of the host opens its ports there; its account has two names', () => {
  const { spec } = fill('Pod', {
    spec: { hostNetwork: true, serviceAccount: 'me', containers: [container({ ports: [{ containerPort: 80 }] })] },
  });
  assert.equal(spec.containers[0].ports[0].hostPort, 80);
  assert.equal(spec.serviceAccountName, 'me');
  assert.equal(
    fill('Pod', { spec: { serviceAccountName: 'me', containers: [container()] } }).spec.serviceAccount,
    'me',
  );
});

test('nulls are absent fields, quantities and times have one text', () => {
  const pod = fill(
    'Pod',
    { spec: { nodeName: null, containers: [container({ env: null })] } },
    { creationTimestamp: null, labels: { a: null }, deletionTimestamp: '2026-01-01T01:00:00.5+01:00' },
  );
  assert.ok(!('nodeName' in pod.spec) && !('env' in pod.spec.containers[0]) && !('creationTimestamp' in pod.metadata));
  assert.deepEqual(pod.metadata.labels, { a: '' });
  assert.equal(pod.metadata.deletionTimestamp, '2026-01-01T00:00:00Z');
  assert.equal(fill('Event', { eventTime: '2026-01-01T00:00:00.5Z' }).eventTime, '2026-01-01T00:00:00.500000Z');
  // What a field keeps as it is given stays as it is given.
  assert.deepEqual(fill('ControllerRevision', { data: { a: null, b: [null] } }).data, { a: null, b: [null] });
});

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container()] } };
const selector = { matchLabels: { app: 'a' } };

test('workloads get theirs, and their templates those of pods', () => {
  const table: readonly (readonly [kind: string, spec: object, wanted: object])[] = [
    [
      'Deployment',
      {},
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      },
    ],
    ['Deployment', { replicas: 0, strategy: { type: 'Recreate' } }, { replicas: 0, strategy: { type: 'Recreate' } }],
    [
      'Deployment',
      { strategy: { rollingUpdate: { maxSurge: 0 } } },
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 0 } } },
    ],
    ['ReplicaSet', {}, { replicas: 1 }],
    [
      'StatefulSet',
      { volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: { accessModes: [] } }] },
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'd' },
            spec: { volumeMode: 'Filesystem' },
          },
        ],
      },
    ],
    [
      'DaemonSet',
      {},
      {
        revisionHistoryLimit: 10,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      },
    ],
    ['Job', {}, { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false }],
    ['Job', { parallelism: 3 }, { parallelism: 3, completions: undefined }],
    ['Job', { completions: 3, backoffLimitPerIndex: 1 }, { parallelism: 1, completions: 3, backoffLimit: 2 ** 31 - 1 }],
  ];
  for (const [kind, given, wanted] of table) {
    const { spec } = fill(kind, { spec: { selector, template, ...given } });
    assert.equal(spec.template.spec.restartPolicy, 'Always');
    assert.equal(spec.template.spec.containers[0].terminationMessagePolicy, 'File');
    for (const [field, value] of Object.entries(wanted)) assert.deepEqual(spec[field], value, `${kind} ${field}`);
  }
  const cron = fill('CronJob', { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } }).spec;
  assert.deepEqual(
    [cron.concurrencyPolicy, cron.suspend, cron.successfulJobsHistoryLimit, cron.failedJobsHistoryLimit],
    ['Allow', false, 3, 1],
  );
  assert.equal(cron.jobTemplate.spec.template.spec.dnsPolicy, 'ClusterFirst');
});

test('a job selects its own pods by its uid', () => {
  const { spec } = fill('Job', { spec: { template: { spec: { containers: [container()] } } } }, { uid: 'u-1' });
  assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } });
  assert.deepEqual(spec.template.metadata.labels, {
    'controller-uid': 'u-1',
    'job-name': 'one',
    'batch.kubernetes.io/controller-uid': 'u-1',
    'batch.kubernetes.io/job-name': 'one',
  });
  const manual = fill('Job', { spec: { manualSelector: true, selector, template } }, { uid: 'u-1' }).spec;
  assert.deepEqual([manual.selector, manual.template.metadata.labels], [selector, { app: 'a' }]);
});

test('services get their type, ports and policies', () => {
  const service = (spec: object) => fill('Service', { spec }).spec;
  const ports = [{ port: 80 }];
  assert.deepEqual(service({ ports }), {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
  });
  assert.equal(service({ ports: [{ port: 80, targetPort: 'web' }] }).ports[0].targetPort, 'web');
  assert.equal(service({ type: 'NodePort', ports }).externalTrafficPolicy, 'Cluster');
  assert.equal(service({ type: 'LoadBalancer', ports }).allocateLoadBalancerNodePorts, true);
  assert.equal(service({ type: 'ExternalName' }).internalTrafficPolicy, undefined);
  assert.deepEqual(service({ sessionAffinity: 'ClientIP' }).sessionAffinityConfig, {
    clientIP: { timeoutSeconds: 10_800 },
  });
});

test('a service that changes its type leaves behind what only the old type has', () => {
  const old = { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', allocateLoadBalancerNodePorts: true } };
  const change = (spec: object) =>
    (withoutTypeFields({ spec: { ...old.spec, ...spec } }, old) as { spec: object }).spec;
  assert.deepEqual(change({ type: 'ClusterIP' }), { type: 'ClusterIP' });
  assert.deepEqual(change({ type: 'NodePort' }), { type: 'NodePort', externalTrafficPolicy: 'Local' });
  assert.deepEqual(change({ type: 'ClusterIP', externalTrafficPolicy: 'Cluster' }), {
    type: 'ClusterIP',
    externalTrafficPolicy: 'Cluster',
  });
  assert.equal(withoutTypeFields(old, old), old);
});

test('the other kinds get theirs', () => {
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
  const webhook = { name: 'a.b.c', clientConfig: { service: { name: 's', namespace: 'n' } }, rules: [rule] };
  const webhooks = fill('MutatingWebhookConfiguration', { webhooks: [webhook] }).webhooks;
  assert.deepEqual(webhooks, [
    {
      ...webhook,
      clientConfig: { service: { name: 's', namespace: 'n', port: 443 } },
      rules: [{ ...rule, scope: '*' }],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      reinvocationPolicy: 'Never',
    },
  ]);
  assert.equal(
    fill('ValidatingWebhookConfiguration', { webhooks: [webhook] }).webhooks[0].reinvocationPolicy,
    undefined,
  );
  const table: readonly (readonly [kind: string, given: object, wanted: object])[] = [
    ['Secret', { stringData: { a: 'x' }, data: { b: 'eQ==' } }, { type: 'Opaque', data: { a: 'eA==', b: 'eQ==' } }],
    ['Endpoints', { subsets: [{ ports: [{ port: 1 }] }] }, { subsets: [{ ports: [{ port: 1, protocol: 'TCP' }] }] }],
    ['EndpointSlice', { ports: [{ port: 1 }] }, { ports: [{ name: '', port: 1, protocol: 'TCP' }] }],
    [
      'NetworkPolicy',
      { spec: { podSelector: {}, egress: [{}] } },
      { spec: { podSelector: {}, egress: [{}], policyTypes: ['Ingress', 'Egress'] } },
    ],
    [
      'IngressClass',
      { spec: { parameters: { kind: 'K', name: 'n' } } },
      { spec: { parameters: { kind: 'K', name: 'n', scope: 'Cluster' } } },
    ],
    [
      'RoleBinding',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', name: 's' },
        ],
      },
      {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
        subjects: [
          { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', name: 's' },
        ],
      },
    ],
    [
      'CustomResourceDefinition',
      { spec: { names: { plural: 'as', kind: 'A' } } },
      {
        spec: {
          names: { plural: 'as', kind: 'A', singular: 'a', listKind: 'AList' },
          conversion: { strategy: 'None' },
        },
      },
    ],
    [
      'StorageClass',
      { provisioner: 'p' },
      { provisioner: 'p', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
    ],
    ['PriorityClass', { value: 1 }, { value: 1, preemptionPolicy: 'PreemptLowerPriority' }],
    ['PersistentVolume', { spec: {} }, { spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' } }],
    ['PersistentVolumeClaim', { spec: {} }, { spec: { volumeMode: 'Filesystem' } }],
    ['Node', { status: { capacity: { cpu: 2 } } }, { status: { capacity: { cpu: '2' }, allocatable: { cpu: '2' } } }],
    [
      'LimitRange',
      { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }] } },
      {
        spec: {
          limits: [
            {
              type: 'Container',
              max: { cpu: '2' },
              min: { memory: '1Mi' },
              default: { cpu: '2' },
              defaultRequest: { cpu: '2', memory: '1Mi' },
            },
          ],
        },
      },
    ],
    [
      'ValidatingAdmissionPolicy',
      { spec: { matchConstraints: { resourceRules: [rule] } } },
      {
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: {
            matchPolicy: 'Equivalent',
            namespaceSelector: {},
            objectSelector: {},
            resourceRules: [{ ...rule, scope: '*' }],
          },
        },
      },
    ],
    ['ConfigMap', { data: { a: '' } }, { data: { a: '' } }],
  ];
  for (const [kind, given, wanted] of table) {
    const { apiVersion: _1, kind: _2, metadata: _3, ...rest } = fill(kind, given);
    assert.deepEqual(rest, wanted, kind);
  }
});

test('autoscalers of version 2 aim at four fifths of the processor, and behave', () => {
  const { spec } = fill('HorizontalPodAutoscaler', {
    spec: { maxReplicas: 3, behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } },
  });
  assert.equal(spec.minReplicas, 1);
  assert.equal(spec.metrics[0].resource.target.averageUtilization, 80);
  assert.deepEqual(spec.behavior.scaleDown, {
    stabilizationWindowSeconds: 5,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  });
  assert.equal(spec.behavior.scaleUp.policies.length, 2);
});

const WORDS = [
  'spec',
  'template',
  'metadata',
  'labels',
  'containers',
  'volumes',
  'ports',
  'webhooks',
  'rules',
  'limits',
  'limits',
  'status',
  'stringData',
  'data',
  'subjects',
  'selector',
  'matchLabels',
  'strategy',
  'env',
  'resources',
  'names',
  'type',
  'kind',
  'a',
];
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, '', 0, 1.5, true, 'a', '1Gi', 'Container', 'RollingUpdate'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...WORDS), tie('value'), { maxKeys: 6 }),
  ),
}));

test('whatever an object holds, defaults and rules do not throw, write or change their mind', () => {
  fc.assert(
    fc.property(
      fc.nat(TYPES.length - 1),
      fc.dictionary(fc.constantFrom(...WORDS), value),
      value,
      (index, fields, spec) => {
        const type = TYPES[index]!;
        const object = deepFreeze(objectOf(type, { ...fields, ...(spec === null ? {} : { spec }) }, {}));
        const filled = deepFreeze(applyKindDefaults(type, object));
        assert.deepEqual(applyKindDefaults(type, filled), filled);
        validateKind(type, filled);
        validateKind(type, filled, object);
      },
    ),
    { numRuns: 2000 },
  );
});
