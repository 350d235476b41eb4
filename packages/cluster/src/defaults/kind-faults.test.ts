import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServedType } from '../types.ts';
import { validateKind } from './kind-faults.ts';
import { type Case, check } from './testing/faults.ts';
import { objectOf, TYPES, typeOf } from './testing/types.ts';

const spec = (fields: object) => ({ spec: fields });

test('metadata of every kind', () => {
  const big = 'x'.repeat(256 * 1024);
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' };
  check(
    'ConfigMap',
    [
      [{ name: 'a.b' }, []],
      [{ name: 'Not_A_Name' }, [/^metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/]],
      [
        { labels: { 'a b': 'x', a: '-' } },
        [/^metadata\.labels: Invalid value: "a b"/, /^metadata\.labels: Invalid value: "-": a valid label/],
      ],
      [{ annotations: { 'A/b': 'any thing', '/': '' } }, [/^metadata\.annotations: .*prefix part/]],
      [{ annotations: { a: big } }, [/^metadata\.annotations: Too long: may not be more than 262144 bytes$/]],
      [{ finalizers: ['a/b', 'a b'] }, [/^metadata\.finalizers\[1\]/]],
      [
        {
          ownerReferences: [
            { ...owner, controller: true },
            { ...owner, controller: true },
          ],
        },
        [/^metadata\.ownerReferences: .*only one reference/],
      ],
      [{ ownerReferences: [{ ...owner, uid: '' }] }, [/^metadata\.ownerReferences\[0\]\.uid: Required/]],
    ],
    (metadata) => ({ metadata }),
  );
  check(
    'Namespace',
    [
      [{ name: 'a.b' }, [/RFC 1123 label/]],
      [{ namespace: 'x' }, [/^metadata\.namespace: Forbidden/]],
    ],
    (metadata) => ({ metadata }),
  );
  check(
    'ClusterRole',
    [
      [{ name: 'system:A b' }, []],
      [{ name: 'a/b' }, [/may not contain '\/'/]],
    ],
    (metadata) => ({ metadata }),
  );
});

test('custom kinds have the rules of metadata only', () => {
  const custom: ServedType = { ...typeOf('Pod'), custom: true };
  assert.deepEqual(validateKind(custom, objectOf(custom)), []);
  assert.equal(validateKind(custom, objectOf(custom, {}, { name: 'A' })).length, 1);
});

test('every kind takes an object that is fine', () => {
  for (const type of TYPES) assert.ok(Array.isArray(validateKind(type, objectOf(type))), type.kind);
});

test('services', () => {
  const ports = [{ port: 80 }];
  const cases: readonly Case[] = [
    [{ ports }, []],
    [{}, [/^spec\.ports: Required value$/]],
    [{ clusterIP: 'None' }, []],
    [{ type: 'Odd', ports }, [/^spec\.type: Unsupported value: "Odd"/]],
    [{ ports: [{ port: 80 }, { port: 81, name: 'b' }] }, [/^spec\.ports\[0\]\.name: Required value$/]],
    [
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'a' },
        ],
      },
      [/^spec\.ports\[1\]\.name: Duplicate/],
    ],
    [
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      },
      [/^spec\.ports\[1\]: Duplicate value: \{"protocol":"TCP","port":80\}/],
    ],
    [
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b', protocol: 'UDP' },
        ],
      },
      [],
    ],
    [{ ports: [{ port: 0, targetPort: 1 }] }, [/^spec\.ports\[0\]\.port: .*between/]],
    [{ ports: [{ port: 80, targetPort: 'WEB' }] }, [/targetPort: .*lower case/]],
    [{ ports: [{ port: 80, targetPort: 70000 }] }, [/targetPort: .*between/]],
    [{ ports: [{ port: 80, protocol: 'ICMP' }] }, [/protocol: Unsupported/]],
    [{ ports: [{ port: 80, nodePort: 30000 }] }, [/nodePort: Forbidden: may not be used when `type` is 'ClusterIP'/]],
    [{ ports: [{ port: 80, nodePort: 30000 }], type: 'NodePort' }, []],
    [{ ports, clusterIP: 'x', clusterIPs: ['x'] }, [/^spec\.clusterIPs\[0\]: .*valid IP/]],
    [{ ports, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.2'] }, [/^spec\.clusterIPs: .*first value must match/]],
    [{ ports, clusterIP: 'None', type: 'NodePort' }, [/may not be set to 'None' for NodePort services/]],
    [{ type: 'ExternalName' }, [/^spec\.externalName: Required/]],
    [{ type: 'ExternalName', externalName: 'example.com.' }, []],
    [{ type: 'ExternalName', externalName: 'A_b' }, [/^spec\.externalName: .*RFC 1123/]],
    [{ type: 'ExternalName', externalName: 'a.b', clusterIP: '10.0.0.1' }, [/^spec\.clusterIPs: Forbidden/]],
    [{ ports, externalTrafficPolicy: 'Local' }, [/^spec\.externalTrafficPolicy: .*externally-accessible/]],
    [{ ports, type: 'NodePort', externalTrafficPolicy: 'Odd' }, [/^spec\.externalTrafficPolicy: Unsupported/]],
    [{ ports, internalTrafficPolicy: 'Odd' }, [/^spec\.internalTrafficPolicy: Unsupported/]],
    [{ ports, sessionAffinity: 'Odd' }, [/^spec\.sessionAffinity: Unsupported/]],
    [
      { ports, sessionAffinity: 'None', sessionAffinityConfig: { clientIP: {} } },
      [/^spec\.sessionAffinityConfig: Forbidden/],
    ],
    [
      { ports, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
      [/timeoutSeconds/],
    ],
    [
      { ports, externalIPs: ['x'], loadBalancerSourceRanges: ['10.0.0.0'] },
      [/externalIPs\[0\]/, /loadBalancerSourceRanges\[0\]/],
    ],
    [{ ports, selector: { 'a b': 'c' } }, [/^spec\.selector/]],
  ];
  check('Service', cases, spec);
  check('Service', [[{}, [/^metadata\.name: .*DNS-1035/]]], () => ({ metadata: { name: '1a' }, spec: { ports } }));
  const old = spec({ ports, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] });
  check(
    'Service',
    [
      [{ ports, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] }, []],
      [
        { ports, clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.2'] },
        [/^spec\.clusterIP: Invalid value: "10\.0\.0\.2": field is immutable$/],
      ],
      [{ ports }, [/primary clusterIP can not be unset/]],
      [{ type: 'ExternalName', externalName: 'a.b' }, []],
    ],
    spec,
    old,
  );
});

test('endpoints and their slices', () => {
  check('Endpoints', [
    [{ subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }] }] }, []],
    [{ subsets: [{}] }, [/^subsets\[0\]: Required/]],
    [{ subsets: [{ addresses: [{ ip: 'x' }] }] }, [/addresses\[0\]\.ip: .*valid IP/]],
    [{ subsets: [{ addresses: [{ ip: '127.0.0.1' }] }] }, [/loopback/]],
    [{ subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 0 }] }] }, [/ports\[0\]\.port/]],
  ]);
  const endpoints = (...addresses: string[]) => [{ addresses }];
  check('EndpointSlice', [
    [{ addressType: 'IPv4', endpoints: endpoints('10.0.0.1'), ports: [{ port: 80 }] }, []],
    [{ addressType: '', endpoints: [] }, [/^addressType: Required/]],
    [{ addressType: 'IPv5', endpoints: [] }, [/^addressType: Unsupported/]],
    [{ addressType: 'IPv4', endpoints: endpoints('::1') }, [/^endpoints\[0\]\.addresses\[0\]: .*IPv4/]],
    [{ addressType: 'IPv6', endpoints: endpoints('10.0.0.1') }, [/IPv6/]],
    [{ addressType: 'FQDN', endpoints: endpoints('a.b', 'A') }, [/addresses\[1\]/]],
    [{ addressType: 'IPv4', endpoints: endpoints() }, [/^endpoints\[0\]\.addresses: Required/]],
    [{ addressType: 'IPv4', endpoints: Array(1001).fill({ addresses: ['10.0.0.1'] }) }, [/^endpoints: .*at most 1000/]],
    [
      {
        addressType: 'IPv4',
        endpoints: [],
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      [/^ports\[1\]\.name: Duplicate/],
    ],
  ]);
  check('EndpointSlice', [[{ addressType: 'IPv6', endpoints: [] }, [/^addressType: .*immutable/]]], undefined, {
    addressType: 'IPv4',
    endpoints: [],
  });
});

test('config maps and secrets', () => {
  const large = 'x'.repeat(1024 * 1024 + 1);
  check('ConfigMap', [
    [{ data: { a: '', '.b-c_D': 'x' } }, []],
    [{ data: { 'a/b': '' } }, [/^data\[a\/b\]: Invalid value: "a\/b": a valid config key/]],
    [{ data: { a: 'x' }, binaryData: { a: 'eA==' } }, [/^data\[a\]: .*binaryData/]],
    [{ data: { a: large } }, [/^data: Too long: may not be more than 1048576 bytes$/]],
  ]);
  const frozen = { data: { a: 'x' }, immutable: true };
  check(
    'ConfigMap',
    [
      [frozen, []],
      [{ ...frozen, data: { a: 'y' } }, [/^data: Forbidden: field is immutable when `immutable` is set/]],
      [{ data: { a: 'x' } }, [/^immutable: Forbidden/]],
    ],
    undefined,
    frozen,
  );
  const data = { 'tls.crt': '', 'tls.key': '' };
  check('Secret', [
    [{ data: { a: 'eA==' } }, []],
    [{ data: { 'a b': '' } }, [/^data\[a b\]/]],
    [{ data: { a: Buffer.from(large).toString('base64') } }, [/^data: Too long/]],
    [{ type: 'kubernetes.io/tls', data }, []],
    [{ type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, [/^data\[tls\.key\]: Required value$/]],
    [{ type: 'kubernetes.io/dockerconfigjson' }, [/^data\[\.dockerconfigjson\]: Required/]],
    [{ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'eA==' } }, [/JSON document/]],
    [{ type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{}' } }, []],
    [{ type: 'kubernetes.io/basic-auth' }, [/username/, /password/]],
    [{ type: 'kubernetes.io/ssh-auth' }, [/ssh-privatekey/]],
    [
      { type: 'kubernetes.io/service-account-token' },
      [/^metadata\.annotations\[kubernetes\.io\/service-account\.name\]: Required/],
    ],
  ]);
  check('Secret', [[{ type: 'Other' }, [/^type: .*field is immutable/]]], undefined, { type: 'Opaque' });
  // A fault never shows what a secret keeps.
  const told = JSON.stringify(
    validateKind(
      typeOf('Secret'),
      objectOf(typeOf('Secret'), { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 'c2VjcmV0' } }),
    ),
  );
  assert.ok(!told.includes('c2VjcmV0') && !told.includes('"secret"'));
});

test('roles and bindings', () => {
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
  check('Role', [
    [{ rules: [rule] }, []],
    [{}, []],
    [{ rules: [{ ...rule, verbs: [] }] }, [/^rules\[0\]\.verbs: Required/]],
    [{ rules: [{ verbs: ['get'] }] }, [/apiGroups: Required/, /resources: Required/]],
    [{ rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }, [/namespaced rules cannot apply/]],
  ]);
  check('ClusterRole', [
    [{ rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }, []],
    [{ rules: [{ ...rule, nonResourceURLs: ['/x'] }] }, [/both regular resources and non-resource URLs/]],
    [{ aggregationRule: {} }, [/clusterRoleSelectors: Required/]],
  ]);
  const roleRef = { kind: 'Role', name: 'r' };
  check('RoleBinding', [
    [
      {
        roleRef,
        subjects: [
          { kind: 'ServiceAccount', name: 's', namespace: 'n' },
          { kind: 'Group', name: 'g' },
        ],
      },
      [],
    ],
    [{ roleRef: { kind: 'Odd', name: '' } }, [/^roleRef\.kind: Unsupported/, /^roleRef\.name: Required/]],
    [{ roleRef: { ...roleRef, apiGroup: 'x' } }, [/^roleRef\.apiGroup: Unsupported/]],
    [{ roleRef, subjects: [{ kind: 'ServiceAccount', name: 's' }] }, [/^subjects\[0\]\.namespace: Required/]],
    [{ roleRef, subjects: [{ kind: 'Robot', name: '' }] }, [/name: Required/, /kind: Unsupported/]],
    [{ roleRef, subjects: [{ kind: 'User', name: 'u', apiGroup: 'x' }] }, [/apiGroup: Unsupported/]],
  ]);
  check('RoleBinding', [[{ roleRef: { ...roleRef, name: 'x' } }, [/^roleRef: .*cannot change roleRef$/]]], undefined, {
    roleRef,
  });
  check('ClusterRoleBinding', [
    [{ roleRef }, [/^roleRef\.kind: Unsupported value: "Role": supported values: "ClusterRole"/]],
  ]);
});

test('webhooks', () => {
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
  const hook = {
    name: 'a.example.com',
    clientConfig: { service: { name: 's', namespace: 'n' } },
    rules: [rule],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const url = (value: string) => ({ clientConfig: { url: value } });
  const cases: readonly Case[] = [
    [{}, []],
    [{ name: 'a.b' }, [/^webhooks\[0\]\.name: .*at least three segments/]],
    [{ name: '' }, [/^webhooks\[0\]\.name: Required/]],
    [
      { clientConfig: {} },
      [/^webhooks\[0\]\.clientConfig: Required value: exactly one of url or service is required$/],
    ],
    [url('https://a/b'), []],
    [url('http://a/b?c#d'), [/'https'/, /fragments/, /query/]],
    [url('https://u:p@a/'), [/user information/]],
    [url('nope'), [/valid URL/]],
    [
      { clientConfig: { service: { name: '', namespace: '', port: 0, path: 'x' } } },
      [/name: Required/, /namespace: Required/, /port/, /must start with a '\/'/],
    ],
    [
      { sideEffects: 'Some' },
      [/^webhooks\[0\]\.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"/],
    ],
    [{ sideEffects: '' }, [/sideEffects: Required/]],
    [{ admissionReviewVersions: [] }, [/admissionReviewVersions: Required/]],
    [{ admissionReviewVersions: ['v2'] }, [/at least one of v1, v1beta1/]],
    [{ failurePolicy: 'Odd', matchPolicy: 'Odd' }, [/failurePolicy: Unsupported/, /matchPolicy: Unsupported/]],
    [
      { timeoutSeconds: 31 },
      [/^webhooks\[0\]\.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds/],
    ],
    [{ rules: [{ ...rule, operations: ['*', 'CREATE'] }] }, [/operations: .*'\*'/]],
    [
      { rules: [{ ...rule, operations: ['EAT'], scope: 'Odd' }] },
      [/operations\[0\]: Unsupported/, /scope: Unsupported/],
    ],
    [{ rules: [{}] }, [/apiGroups: Required/, /apiVersions: Required/, /operations: Required/, /resources: Required/]],
    [
      { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] } },
      [/values: Forbidden/],
    ],
    [{ matchConditions: [{ name: '', expression: ' ' }] }, [/name: Required/, /expression: Required/]],
  ];
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    check(kind, cases, (fields) => ({ webhooks: [{ ...hook, ...fields }] }));
    check(kind, [
      [{ webhooks: [hook, hook] }, [/^webhooks\[1\]\.name: Duplicate/]],
      [{}, []],
    ]);
  }
  check('MutatingWebhookConfiguration', [
    [{ webhooks: [{ ...hook, reinvocationPolicy: 'Odd' }] }, [/reinvocationPolicy: Unsupported/]],
  ]);
});

test('admission policies', () => {
  const good = { matchConstraints: {}, validations: [{ expression: 'true' }] };
  check(
    'ValidatingAdmissionPolicy',
    [
      [good, []],
      [{}, [/matchConstraints: Required/, /validations: Required/]],
      [{ ...good, failurePolicy: 'Odd', paramKind: {} }, [/failurePolicy/, /apiVersion: Required/, /kind: Required/]],
    ],
    spec,
  );
  check(
    'ValidatingAdmissionPolicyBinding',
    [
      [{ policyName: 'p', validationActions: ['Deny'] }, []],
      [{ policyName: '', validationActions: [] }, [/policyName: Required/, /validationActions: Required/]],
      [{ policyName: 'p', validationActions: ['Deny', 'Warn'] }, [/must not contain both/]],
    ],
    spec,
  );
});

test('ingresses, their classes and network policies', () => {
  const backend = { service: { name: 's', port: { number: 80 } } };
  const paths = (path: object) => ({
    rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...path }] } }],
  });
  check(
    'Ingress',
    [
      [{ defaultBackend: backend }, []],
      [{}, [/^spec: .*either `defaultBackend` or `rules` must be specified/]],
      [paths({}), []],
      [paths({ pathType: 'Odd' }), [/pathType: Unsupported/]],
      [paths({ path: 'x' }), [/path: .*absolute path/]],
      [paths({ path: '/a/../b' }), [/must not contain/]],
      [paths({ backend: { service: { name: 's', port: {} } } }), [/port: Required/]],
      [paths({ backend: { service: { name: 'S', port: { name: 'a', number: 1 } } } }), [/DNS-1035/, /cannot set both/]],
      [paths({ backend: {} }), [/backend: Required/]],
      [{ rules: [{ host: '10.0.0.1' }, { host: '*.a.b' }, { host: 'A_' }] }, [/not an IP address/, /rules\[2\]\.host/]],
    ],
    spec,
  );
  check(
    'IngressClass',
    [
      [{ controller: 'a.b/c' }, []],
      [{ controller: 'c' }, [/domain-prefixed/]],
      [{}, [/Required/]],
    ],
    spec,
  );
  check('IngressClass', [[{ controller: 'a.b/d' }, [/immutable/]]], spec, spec({ controller: 'a.b/c' }));
  check(
    'NetworkPolicy',
    [
      [{ podSelector: {} }, []],
      [{ podSelector: {}, ingress: [{ from: [{}] }] }, [/from\[0\]: Required/]],
      [
        { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'x', except: ['y'] } }] }] },
        [/cidr: /, /except\[0\]/],
      ],
      [
        { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }] },
        [/both ipBlock/],
      ],
      [
        { podSelector: {}, egress: [{ ports: [{ port: 5, endPort: 4 }, { endPort: 4 }] }] },
        [/endPort: /, /port: Required/],
      ],
      [{ podSelector: {}, policyTypes: ['Odd'] }, [/policyTypes\[0\]: Unsupported/]],
    ],
    spec,
  );
});

test('autoscalers and disruption budgets', () => {
  const scaleTargetRef = { kind: 'Deployment', name: 'd' };
  check(
    'HorizontalPodAutoscaler',
    [
      [{ scaleTargetRef, maxReplicas: 3 }, []],
      [
        { scaleTargetRef, maxReplicas: 0 },
        [/^spec\.maxReplicas: Invalid value: 0: must be greater than 0/, /greater than or equal to `minReplicas`/],
      ],
      [{ scaleTargetRef, maxReplicas: 1, minReplicas: 2 }, [/greater than or equal to `minReplicas`/]],
      [{ scaleTargetRef, maxReplicas: 1, minReplicas: 0 }, [/^spec\.minReplicas/]],
      [{ scaleTargetRef: { kind: '', name: '' }, maxReplicas: 1 }, [/kind: Required/, /name: Required/]],
      [
        { scaleTargetRef, maxReplicas: 1, metrics: [{ type: 'Odd' }, { type: 'Pods' }] },
        [/metrics\[0\]\.type: Unsupported/, /metrics\[1\]\.pods: Required/],
      ],
      [
        {
          scaleTargetRef,
          maxReplicas: 1,
          metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Odd' } } }],
        },
        [/type: Unsupported/, /averageUtilization: Required/],
      ],
    ],
    spec,
  );
  check(
    'PodDisruptionBudget',
    [
      [{ minAvailable: '50%', selector: {} }, []],
      [{ minAvailable: 1, maxUnavailable: 1 }, [/cannot be both set/]],
      [{ minAvailable: 'half' }, [/valid percent/]],
      [
        { maxUnavailable: -1, unhealthyPodEvictionPolicy: 'Odd' },
        [/maxUnavailable/, /unhealthyPodEvictionPolicy: Unsupported/],
      ],
    ],
    spec,
  );
});

test('storage', () => {
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  check(
    'PersistentVolumeClaim',
    [
      [claim, []],
      [{}, [/accessModes: Required/, /resources\[storage\]: Required/]],
      [
        { ...claim, accessModes: ['Odd'], volumeMode: 'Odd' },
        [/accessModes\[0\]: Unsupported/, /volumeMode: Unsupported/],
      ],
    ],
    spec,
  );
  check(
    'PersistentVolumeClaim',
    [
      [{ ...claim, resources: { requests: { storage: '2Gi' } }, volumeName: 'v' }, []],
      [{ ...claim, storageClassName: 'x' }, [/^spec: Forbidden: spec is immutable after creation/]],
    ],
    spec,
    spec(claim),
  );
  const volume = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/x' } };
  check(
    'PersistentVolume',
    [
      [volume, []],
      [{ accessModes: ['ReadWriteOnce'] }, [/capacity: Required/, /must specify a volume type/]],
      [{ ...volume, nfs: { server: 's', path: '/p' } }, [/more than 1 volume type/]],
      [{ ...volume, persistentVolumeReclaimPolicy: 'Odd' }, [/Unsupported/]],
    ],
    spec,
  );
  check('StorageClass', [
    [{ provisioner: 'p' }, []],
    [{ provisioner: '', reclaimPolicy: 'Odd', volumeBindingMode: 'Odd' }, [/Required/, /Unsupported/, /Unsupported/]],
  ]);
  check(
    'StorageClass',
    [[{ provisioner: 'q', parameters: { a: 'b' } }, [/parameters: Forbidden/, /provisioner: Forbidden/]]],
    undefined,
    { provisioner: 'p' },
  );
});

test('classes, leases, quotas, limits, events and taints', () => {
  check('PriorityClass', [
    [{ value: 5 }, []],
    [{ value: 2e9 }, [/maximum allowed value/]],
    [{ value: 1, preemptionPolicy: 'Odd' }, [/Unsupported/]],
  ]);
  check('PriorityClass', [[{ value: 1, metadata: { name: 'system-x' } }, [/reserved for system use/]]]);
  check('PriorityClass', [[{ value: 6 }, [/^value: Forbidden/]]], undefined, { value: 5 });
  check(
    'Lease',
    [
      [
        { leaseDurationSeconds: 0, leaseTransitions: -1, holderIdentity: '' },
        [/leaseDuration/, /leaseTransitions/, /holderIdentity/],
      ],
    ],
    spec,
  );
  check(
    'ResourceQuota',
    [
      [{ hard: { cpu: '-1' } }, [/^spec\.hard\[cpu\]/]],
      [{ hard: { 'requests.cpu': '1' } }, []],
    ],
    spec,
  );
  check(
    'LimitRange',
    [
      [
        { limits: [{ type: 'Container', max: { cpu: '1' }, default: { cpu: '2' } }] },
        [/greater than max value/, /greater than max value/],
      ],
    ],
    spec,
  );
  check(
    'Node',
    [
      [
        {
          taints: [
            { key: 'a', effect: 'NoSchedule' },
            { key: 'a', effect: 'NoSchedule' },
            { key: '', effect: 'Odd' },
          ],
        },
        [/unique by key and effect/, /key: Required/, /effect: Unsupported/],
      ],
    ],
    spec,
  );
  check('Event', [
    [{ involvedObject: { namespace: 'default' } }, []],
    [{ involvedObject: { namespace: 'other' } }, [/^involvedObject\.namespace: .*does not match event\.namespace/]],
  ]);
});

test('what of a definition may not change', () => {
  const names = { plural: 'as', kind: 'A' };
  const old = {
    spec: { group: 'g.h', scope: 'Cluster', names, versions: [{ name: 'v1', served: true, storage: true }] },
    status: { storedVersions: ['v1'] },
  };
  check(
    'CustomResourceDefinition',
    [
      [{}, []],
      [{ scope: 'Namespaced' }, [/^spec\.scope: .*field is immutable/]],
      [{ names: { plural: 'as', kind: 'B' } }, [/^spec\.names\.kind: .*immutable/]],
      [
        { versions: [{ name: 'v2', served: true, storage: true }] },
        [/^status\.storedVersions: Invalid value: "v1": must appear in spec\.versions$/],
      ],
    ],
    (fields) => ({ ...old, spec: { ...old.spec, ...fields } }),
    old,
  );
});
