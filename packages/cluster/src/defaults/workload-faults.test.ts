import { test } from 'node:test';
import { type Case, check } from './testing/faults.ts';

const container = { name: 'app', image: 'i' };
const selector = { matchLabels: { app: 'a' } };
const template = (spec: object = {}) => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [container], ...spec },
});
const workload = (fields: object) => ({ spec: { selector, template: template(), ...fields } });

const common: readonly Case[] = [
  [{}, []],
  [
    { selector: { matchLabels: { app: 'b' } } },
    [/^spec\.template\.metadata\.labels: Invalid value: \{"app":"a"\}: `selector` does not match template `labels`$/],
  ],
  [{ selector: {} }, [/^spec\.selector: Invalid value: \{\}: empty selector is invalid for /]],
  [{ selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] } }, []],
  [
    { selector: { matchExpressions: [{ key: 'app', operator: 'Like' }] } },
    [/operator: .*not a valid selector operator/],
  ],
  [{ selector: { matchLabels: { 'a b': 'x' } } }, [/^spec\.selector\.matchLabels: /]],
  [
    { template: template({ restartPolicy: 'Never' }) },
    [/^spec\.template\.spec\.restartPolicy: Unsupported value: "Never": supported values: "Always"$/],
  ],
  [{ template: template({ activeDeadlineSeconds: 5 }) }, [/^spec\.template\.spec\.activeDeadlineSeconds: Forbidden/]],
  [{ template: template({ containers: [] }) }, [/^spec\.template\.spec\.containers: Required value$/]],
  [{ minReadySeconds: -1 }, [/^spec\.minReadySeconds: .*greater than or equal to 0/]],
];

test('every workload selects its own pods, which run for ever', () => {
  for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']) check(kind, common, workload);
});

test('selectors are not changed', () => {
  const other = {
    selector: { matchLabels: { app: 'a', tier: 'x' } },
    template: { ...template(), metadata: { labels: { app: 'a', tier: 'x' } } },
  };
  for (const kind of ['Deployment', 'ReplicaSet', 'DaemonSet'])
    check(kind, [[other, [/^spec\.selector: .*field is immutable$/]]], workload, workload({}));
});

test('deployments', () => {
  check(
    'Deployment',
    [
      [{ replicas: -1 }, [/^spec\.replicas/]],
      [
        { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
        [/^spec\.strategy\.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'/],
      ],
      [{ strategy: { type: 'Canary' } }, [/^spec\.strategy\.type: Unsupported/]],
      [
        { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
        [/^spec\.strategy\.rollingUpdate\.maxUnavailable: .*may not be 0 when `maxSurge` is 0/],
      ],
      [{ strategy: { rollingUpdate: { maxSurge: 'many' } } }, [/maxSurge: .*valid percent/]],
      [
        { progressDeadlineSeconds: 5, minReadySeconds: 5 },
        [/^spec\.progressDeadlineSeconds: .*must be greater than minReadySeconds/],
      ],
    ],
    workload,
  );
});

test('stateful and daemon sets', () => {
  check(
    'StatefulSet',
    [
      [{ podManagementPolicy: 'Odd' }, [/^spec\.podManagementPolicy: Unsupported/]],
      [{ updateStrategy: { type: 'Odd' } }, [/^spec\.updateStrategy\.type: Unsupported/]],
      [{ updateStrategy: { rollingUpdate: { partition: -1 } } }, [/partition/]],
      [{ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Odd' } }, [/whenDeleted: Unsupported/]],
      [
        {
          volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }],
          template: template({ containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/d' }] }] }),
        },
        [],
      ],
    ],
    workload,
  );
  check(
    'StatefulSet',
    [
      [{ replicas: 5, template: template({ hostname: 'x' }) }, []],
      [{ serviceName: 'other' }, [/^spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/]],
    ],
    workload,
    workload({}),
  );
  check(
    'DaemonSet',
    [
      [{ updateStrategy: { type: 'Odd' } }, [/^spec\.updateStrategy\.type: Unsupported/]],
      [{ updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } }, [/maxUnavailable/]],
    ],
    workload,
  );
});

test('jobs', () => {
  const job = (fields: object) => ({
    metadata: { uid: 'u' },
    spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } }, ...fields },
  });
  check(
    'Job',
    [
      [{}, []],
      [
        { template: { spec: { containers: [container] } } },
        [/^spec\.template\.spec\.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"$/],
      ],
      [{ parallelism: -1, backoffLimit: -1 }, [/^spec\.parallelism/, /^spec\.backoffLimit/]],
      [{ selector }, [/^spec\.selector: .*not auto-generated/]],
      [{ manualSelector: true }, [/^spec\.selector: Required/]],
      [{ completionMode: 'Indexed', parallelism: 1 }, [/^spec\.completions: Required/]],
      [{ completionMode: 'Odd' }, [/^spec\.completionMode: Unsupported/]],
    ],
    job,
  );
  check(
    'Job',
    [
      [{ parallelism: 3, completions: 1, suspend: true }, []],
      [{ completions: 5 }, [/^spec\.completions: .*immutable/]],
      [
        { template: { spec: { containers: [{ ...container, image: 'other' }], restartPolicy: 'Never' } } },
        [/^spec\.template: .*field is immutable/],
      ],
    ],
    job,
    job({}),
  );
  check(
    'Job',
    [[{ template: { spec: { containers: [{ ...container, image: 'other' }], restartPolicy: 'Never' } } }, []]],
    job,
    job({ suspend: true }),
  );
});

test('jobs by the clock', () => {
  const cron = (fields: object) => ({
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } },
      ...fields,
    },
  });
  const good = ['0 0 1 1 0', '@hourly', '1,2,3 0-6/2 * JAN-DEC MON', '0 12 ? * 1'];
  check(
    'CronJob',
    [
      ...good.map((schedule): Case => [{ schedule }, []]),
      [{ schedule: '' }, [/^spec\.schedule: Required/]],
      [{ schedule: 'often' }, [/^spec\.schedule: .*expected 5 fields/]],
      [{ schedule: '* * * *' }, [/expected 5 fields/]],
      [{ timeZone: 'Etc/UTC' }, []],
      [{ timeZone: 'Mars/Crater' }, [/^spec\.timeZone: .*unknown time zone/]],
      [{ concurrencyPolicy: 'Odd' }, [/^spec\.concurrencyPolicy: Unsupported/]],
      [{ startingDeadlineSeconds: -1 }, [/^spec\.startingDeadlineSeconds/]],
      [
        { jobTemplate: { spec: { template: { spec: { containers: [container] } } } } },
        [/^spec\.jobTemplate\.spec\.template\.spec\.restartPolicy: Unsupported/],
      ],
    ],
    cron,
  );
  check('CronJob', [[{ metadata: { name: 'a'.repeat(53) } }, [/^metadata\.name: .*no more than 52/]]], (fields) => ({
    ...cron({}),
    ...fields,
  }));
});
