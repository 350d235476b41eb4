import { at, isRecord, record, text } from '../store/fields.ts';
import { all, derive, each, type Fill, fill, within } from './fill.ts';
import { claimDefaults, templateDefaults } from './pod-defaults.ts';

const rolling = (defaults: Readonly<Record<string, unknown>>): Fill =>
  all(
    fill({ type: 'RollingUpdate' }),
    derive((strategy) =>
      strategy.type === 'RollingUpdate' ? { rollingUpdate: fill(defaults)(record(strategy.rollingUpdate)) } : {},
    ),
  );

/** A part that is filled in even when it is absent. */
const always = (name: string, change: Fill): Fill => all(fill({ [name]: {} }), within(name, change));

/** Defaults of apps/v1 Deployment. */
export const deploymentDefaults: Fill = within(
  'spec',
  all(
    fill({ replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 }),
    always('strategy', rolling({ maxUnavailable: '25%', maxSurge: '25%' })),
    templateDefaults,
  ),
);

/** Defaults of apps/v1 ReplicaSet. */
export const replicaSetDefaults: Fill = within('spec', all(fill({ replicas: 1 }), templateDefaults));

/** Defaults of apps/v1 StatefulSet. */
export const statefulSetDefaults: Fill = within(
  'spec',
  all(
    fill({ replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady' }),
    always('updateStrategy', rolling({ partition: 0 })),
    always('persistentVolumeClaimRetentionPolicy', fill({ whenDeleted: 'Retain', whenScaled: 'Retain' })),
    each('volumeClaimTemplates', all(fill({ apiVersion: 'v1', kind: 'PersistentVolumeClaim' }), claimDefaults)),
    templateDefaults,
  ),
);

/** Defaults of apps/v1 DaemonSet. */
export const daemonSetDefaults: Fill = within(
  'spec',
  all(
    fill({ revisionHistoryLimit: 10 }),
    always('updateStrategy', rolling({ maxUnavailable: 1, maxSurge: 0 })),
    templateDefaults,
  ),
);

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const JOB_NAME = 'batch.kubernetes.io/job-name';

/** A job makes its own selector, from its uid, unless it says `manualSelector: true`. */
const jobSelector: Fill = (job) => {
  const uid = text(at(job, 'metadata', 'uid'));
  const spec = at(job, 'spec');
  if (uid === '' || !isRecord(job) || !isRecord(spec) || spec.manualSelector === true || spec.selector !== undefined)
    return job;
  const name = text(at(job, 'metadata', 'name'));
  const template = record(spec.template);
  const metadata = record(template.metadata);
  const labels = {
    ...record(metadata.labels),
    'controller-uid': uid,
    'job-name': name,
    [CONTROLLER_UID]: uid,
    [JOB_NAME]: name,
  };
  return {
    ...job,
    spec: {
      ...spec,
      selector: { matchLabels: { [CONTROLLER_UID]: uid } },
      template: { ...template, metadata: { ...metadata, labels } },
    },
  };
};

const jobCounts = derive((spec) => {
  if (spec.parallelism === undefined && spec.completions === undefined) return { parallelism: 1, completions: 1 };
  return spec.parallelism === undefined ? { parallelism: 1 } : {};
});

/** Defaults of batch/v1 Job. */
export const jobDefaults: Fill = all(
  within(
    'spec',
    all(
      jobCounts,
      derive((spec) => ({
        ...(spec.backoffLimit === undefined
          ? { backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1 }
          : {}),
        ...(spec.podReplacementPolicy === undefined
          ? { podReplacementPolicy: isRecord(spec.podFailurePolicy) ? 'Failed' : 'TerminatingOrFailed' }
          : {}),
      })),
      fill({ completionMode: 'NonIndexed', suspend: false, manualSelector: false }),
      templateDefaults,
    ),
  ),
  jobSelector,
);

/** Defaults of batch/v1 CronJob. */
export const cronJobDefaults: Fill = within(
  'spec',
  all(
    fill({ concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }),
    within('jobTemplate', within('spec', templateDefaults)),
  ),
);
