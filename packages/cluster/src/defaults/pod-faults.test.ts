import { test } from 'node:test';
import { type Case, check } from './testing/faults.ts';

const C = 'spec\\.containers\\[0\\]';
const at = (rest: string): RegExp => new RegExp(`^${C}${rest}`);
const container = (fields: object) => ({ name: 'app', image: 'i', ...fields });
const withContainer = (fields: object) => ({ spec: { containers: [container(fields)] } });
const withSpec = (fields: object) => ({ spec: { containers: [container({})], ...fields } });

test('containers', () => {
  const cases: readonly Case[] = [
    [{}, []],
    [{ name: '' }, [at('\\.name: Required value$')]],
    [{ name: 'App' }, [at('\\.name: Invalid value: "App": a lowercase RFC 1123 label')]],
    [{ image: '' }, [at('\\.image: Required value')]],
    [{ image: ' i' }, [at('\\.image: .*whitespace')]],
    [
      { imagePullPolicy: 'Sometimes' },
      [at('\\.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"')],
    ],
    [{ terminationMessagePolicy: 'x' }, [at('\\.terminationMessagePolicy: Unsupported')]],
    [{ ports: [{ containerPort: 0 }] }, [at('\\.ports\\[0\\]\\.containerPort: Required')]],
    [
      { ports: [{ containerPort: 70000 }] },
      [at('\\.ports\\[0\\]\\.containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive')],
    ],
    [
      { ports: [{ containerPort: 1, hostPort: -1, name: 'A', protocol: 'ICMP' }] },
      [at('.*hostPort'), at('.*name: .*lower case'), at('.*protocol: Unsupported')],
    ],
    [
      {
        ports: [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
      },
      [at('\\.ports\\[1\\]\\.name: Duplicate value: "a"')],
    ],
    [
      {
        ports: [
          { containerPort: 1, hostPort: 5 },
          { containerPort: 2, hostPort: 5 },
        ],
      },
      [at('\\.ports\\[1\\]\\.hostPort: Duplicate')],
    ],
    [{ ports: [{ containerPort: 1 }, { containerPort: 1 }] }, []],
    [{ env: [{ name: '' }] }, [at('\\.env\\[0\\]\\.name: Required')]],
    [{ env: [{ name: 'a=b' }] }, [at('\\.env\\[0\\]\\.name: .*environment variable name')]],
    [
      { env: [{ name: 'a', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
      [at('\\.env\\[0\\]\\.valueFrom: .*may not be specified when `value` is not empty')],
    ],
    [{ env: [{ name: 'a', valueFrom: {} }] }, [at('.*must specify one of: `fieldRef`')]],
    [
      {
        env: [
          { name: 'a', valueFrom: { secretKeyRef: { name: 's', key: 'k' }, configMapKeyRef: { name: 's', key: 'k' } } },
        ],
      },
      [at('.*more than one field')],
    ],
    [
      { env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'spec.nothing' } } }] },
      [at('.*fieldPath: .*not supported')],
    ],
    [{ env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } }] }, []],
    [
      { env: [{ name: 'a', valueFrom: { secretKeyRef: { name: 's', key: 'a/b' } } }] },
      [at('.*secretKeyRef\\.key: .*config key')],
    ],
    [{ envFrom: [{}] }, [at('\\.envFrom\\[0\\]: .*must specify one of')]],
    [{ envFrom: [{ configMapRef: { name: 'A_' } }] }, [at('\\.envFrom\\[0\\]\\.configMapRef\\.name')]],
    [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, [at('\\.volumeMounts\\[0\\]\\.name: Not found: "v"$')]],
    [{ volumeMounts: [{ name: '', mountPath: '' }] }, [at('.*name: Required'), at('.*mountPath: Required')]],
    [
      { resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } },
      [at('\\.resources\\.requests: Invalid value: "2": must be less than or equal to cpu limit of 1')],
    ],
    [
      { resources: { limits: { cpu: '-1' } } },
      [at('\\.resources\\.limits\\[cpu\\]: .*greater than or equal to 0'), at('\\.resources\\.requests\\[cpu\\]')],
    ],
    [{ livenessProbe: {} }, [at('\\.livenessProbe: Required value: must specify a handler type')]],
    [
      { livenessProbe: { httpGet: { port: 1 }, tcpSocket: { port: 1 } } },
      [at('\\.livenessProbe\\.tcpSocket: Forbidden: may not specify more than 1 handler type')],
    ],
    [
      { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } },
      [at('\\.livenessProbe\\.successThreshold: Invalid value: 2: must be 1')],
    ],
    [{ readinessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }, []],
    [
      { readinessProbe: { tcpSocket: { port: 0 }, periodSeconds: -1 } },
      [at('.*port: .*between'), at('.*periodSeconds: .*greater')],
    ],
    [
      { readinessProbe: { httpGet: { port: 'HTTP', scheme: 'ftp' } } },
      [at('.*port: .*lower case'), at('.*scheme: Unsupported')],
    ],
    [{ readinessProbe: { exec: { command: [] } } }, [at('\\.readinessProbe\\.exec\\.command: Required')]],
    [{ startupProbe: { grpc: { port: 70000 } } }, [at('.*grpc\\.port')]],
    [{ lifecycle: { preStop: {} } }, [at('\\.lifecycle\\.preStop: Required')]],
    [{ lifecycle: { postStart: { sleep: { seconds: -1 } } } }, [at('.*sleep\\.seconds')]],
  ];
  check('Pod', cases, withContainer);
});

test('mounts and their volumes', () => {
  const mount = (...mounts: object[]) => ({
    volumes: [{ name: 'v' }],
    containers: [container({ volumeMounts: mounts })],
  });
  check(
    'Pod',
    [
      [mount({ name: 'v', mountPath: '/v' }), []],
      [
        mount({ name: 'v', mountPath: '/v' }, { name: 'v', mountPath: '/v' }),
        [at('\\.volumeMounts\\[1\\]\\.mountPath: .*must be unique')],
      ],
      [mount({ name: 'v', mountPath: '/v', subPath: '../x' }), [at(".*subPath: .*must not contain '\\.\\.'")]],
      [mount({ name: 'v', mountPath: '/v', subPath: '/x' }), [at('.*subPath: .*relative')]],
      [mount({ name: 'v', mountPath: '/v', subPath: 'a', subPathExpr: 'b' }), [at('.*subPathExpr')]],
    ],
    withSpec,
  );
});

test('volumes', () => {
  const table: readonly Case[] = [
    [{ name: '' }, [/^spec\.volumes\[0\]\.name: Required/]],
    [{ name: 'A' }, [/\.name: .*RFC 1123/]],
    [
      { secret: { secretName: 's' }, configMap: { name: 'c' } },
      [/\[0\]\.configMap: Forbidden: may not specify more than 1 volume type/],
    ],
    [{ secret: {} }, [/\.secret\.secretName: Required/]],
    [{ configMap: {} }, [/\.configMap\.name: Required/]],
    [
      { secret: { secretName: 's', defaultMode: 512 } },
      [/defaultMode: Invalid value: 512: must be a number between 0 and 0777/],
    ],
    [{ configMap: { name: 'c', items: [{ key: 'a', path: '../b' }] } }, [/items\[0\]\.path: .*must not contain/]],
    [{ configMap: { name: 'c', items: [{ key: 'a', path: '/b' }] } }, [/relative path/]],
    [{ configMap: { name: 'c', items: [{ key: '', path: '' }] } }, [/key: Required/, /path: Required/]],
    [{ hostPath: { path: '' } }, [/\.hostPath\.path: Required/]],
    [{ hostPath: { path: '/a/../b', type: 'Odd' } }, [/must not contain/, /type: Unsupported/]],
    [{ persistentVolumeClaim: { claimName: '' } }, [/claimName: Required/]],
    [{ emptyDir: { sizeLimit: '-1' } }, [/sizeLimit/]],
    [{ downwardAPI: { items: [{ path: 'a' }] } }, [/one of fieldRef and resourceFieldRef is required/]],
    [{ projected: { sources: [{}] } }, [/sources\[0\]: Required/]],
    [
      { projected: { sources: [{ secret: { name: 's' }, configMap: { name: 'c' } }] } },
      [/sources\[0\]\.configMap: Forbidden/],
    ],
    [
      { projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } },
      [/expirationSeconds: .*10 minutes/],
    ],
  ];
  check('Pod', table, (volume) => withSpec({ volumes: [{ name: 'v', ...volume }] }));
  check(
    'Pod',
    [[{ volumes: [{ name: 'a' }, { name: 'a' }] }, [/^spec\.volumes\[1\]\.name: Duplicate value: "a"$/]]],
    withSpec,
  );
});

test('the rest of a pod', () => {
  const c = container({});
  check(
    'Pod',
    [
      [{ containers: [] }, [/^spec\.containers: Required value$/]],
      [{ containers: [c, c] }, [/^spec\.containers\[1\]\.name: Duplicate value: "app"$/]],
      [{ initContainers: [c] }, [/^spec\.containers\[0\]\.name: Duplicate value/]],
      [
        { initContainers: [{ ...c, name: 'i', readinessProbe: { tcpSocket: { port: 1 } } }] },
        [/readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always/],
      ],
      [
        { initContainers: [{ ...c, name: 'i', restartPolicy: 'Always', readinessProbe: { tcpSocket: { port: 1 } } }] },
        [],
      ],
      [{ restartPolicy: 'Sometimes' }, [/^spec\.restartPolicy: Unsupported value/]],
      [{ dnsPolicy: 'None' }, [/^spec\.dnsConfig\.nameservers: Required/]],
      [{ dnsPolicy: 'None', dnsConfig: { nameservers: ['x'] } }, [/nameservers\[0\]: .*valid IP/]],
      [{ dnsPolicy: 'Odd' }, [/^spec\.dnsPolicy: Unsupported/]],
      [{ terminationGracePeriodSeconds: -1 }, [/^spec\.terminationGracePeriodSeconds/]],
      [{ activeDeadlineSeconds: 0 }, [/^spec\.activeDeadlineSeconds/]],
      [{ nodeSelector: { 'a b': 'c d' } }, [/^spec\.nodeSelector: /, /^spec\.nodeSelector: /]],
      [{ serviceAccountName: 'A_' }, [/^spec\.serviceAccountName/]],
      [{ hostname: 'A.b', subdomain: '-' }, [/^spec\.hostname/, /^spec\.subdomain/]],
      [{ imagePullSecrets: [{}] }, [/^spec\.imagePullSecrets\[0\]\.name: Required/]],
      [{ hostAliases: [{ ip: 'x', hostnames: ['A B'] }] }, [/\.ip: /, /hostnames\[0\]/]],
      [{ tolerations: [{ operator: 'Equal' }] }, [/operator must be Exists when `key` is empty/]],
      [{ tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] }, [/value must be empty/]],
      [
        { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 1 }] },
        [/effect must be 'NoExecute'/],
      ],
      [
        { tolerations: [{ key: 'a', operator: 'Maybe', effect: 'No' }] },
        [/operator: Unsupported/, /effect: Unsupported/],
      ],
      [
        { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'x' }] },
        [/maxSkew/, /topologyKey: Required/, /whenUnsatisfiable: Unsupported/],
      ],
      [
        {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: '', labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
              ],
            },
          },
        },
        [/topologyKey: Required/, /values: Required value: must be specified when `operator` is 'In' or 'NotIn'/],
      ],
      [{ priorityClassName: '-' }, [/^spec\.priorityClassName/]],
    ],
    withSpec,
  );
});

test('what of a living pod may change', () => {
  const old = withSpec({ nodeName: 'n', tolerations: [{ key: 'a', operator: 'Exists' }] });
  const kept = { nodeName: 'n', tolerations: [{ key: 'a', operator: 'Exists' }] };
  check(
    'Pod',
    [
      [kept, []],
      [{ ...kept, containers: [container({ image: 'other' })] }, []],
      [{ ...kept, activeDeadlineSeconds: 5 }, []],
      [{ ...kept, tolerations: [...kept.tolerations, { key: 'b', operator: 'Exists' }] }, []],
      [
        { ...kept, containers: [container({ command: ['x'] })] },
        [/^spec: Forbidden: pod updates may not change fields other than/],
      ],
      [{ ...kept, serviceAccountName: 'x' }, [/^spec: Forbidden/]],
      [{ ...kept, nodeName: 'm' }, [/^spec\.nodeName: Forbidden/]],
      [{ nodeName: 'n' }, [/^spec\.tolerations: Forbidden/]],
      [{ ...kept, terminationGracePeriodSeconds: 5 }, [/^spec\.terminationGracePeriodSeconds: Forbidden/]],
    ],
    withSpec,
    old,
  );
  // The scheduler names the node, once.
  check('Pod', [[{ nodeName: 'n' }, []]], withSpec, withSpec({}));
});
