import { forbidden, invalid, join, notSupported, required } from '../schema/fault.ts';
import { at, isRecord, record, sameJson, text } from '../store/fields.ts';
import { countOrPercent, type Faults, immutable, isNothing, NONE, notNegative, oneOf } from './check.ts';
import { templateFaults } from './pod-faults.ts';
import { selectorFaults, workloadSelectorFaults } from './selector-faults.ts';

type Fields = Readonly<Record<string, unknown>>;

const specOf = (object: unknown): Fields => record(at(object, 'spec'));

const counts = (spec: Fields, names: readonly string[]): Faults =>
  names.flatMap((name) => notNegative(join('spec', name), spec[name]));

/** Pods of workloads that run for ever are restarted for ever. */
const lastingTemplate = (spec: Fields, claims?: unknown): Faults => {
  const policy = text(at(spec, 'template', 'spec', 'restartPolicy'));
  const path = 'spec.template.spec';
  return [
    ...templateFaults(spec.template, 'spec.template', claims),
    ...(policy === '' || policy === 'Always' ? NONE : [notSupported(join(path, 'restartPolicy'), policy, ['Always'])]),
    ...(at(spec, 'template', 'spec', 'activeDeadlineSeconds') === undefined
      ? NONE
      : [forbidden(join(path, 'activeDeadlineSeconds'), 'must not be specified')]),
  ];
};

const sameSelector = (spec: Fields, old: unknown): Faults =>
  old === undefined ? NONE : immutable('spec.selector', spec.selector, at(old, 'spec', 'selector'));

const rollingFaults = (strategy: unknown, path: string): Faults => {
  const { maxUnavailable, maxSurge } = record(at(strategy, 'rollingUpdate'));
  const here = join(path, 'rollingUpdate');
  return [
    ...countOrPercent(join(here, 'maxUnavailable'), maxUnavailable),
    ...countOrPercent(join(here, 'maxSurge'), maxSurge),
    ...(at(strategy, 'type') === 'RollingUpdate' && isNothing(maxUnavailable) && isNothing(maxSurge)
      ? [invalid(join(here, 'maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0')]
      : NONE),
  ];
};

/** What is wrong with an apps/v1 Deployment. */
export const deploymentFaults = (object: unknown, old?: unknown): Faults => {
  const spec = specOf(object);
  const { strategy, progressDeadlineSeconds, minReadySeconds } = spec;
  return [
    ...workloadSelectorFaults('deployment', spec),
    ...sameSelector(spec, old),
    ...lastingTemplate(spec),
    ...counts(spec, ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds']),
    ...oneOf('spec.strategy.type', at(strategy, 'type'), ['Recreate', 'RollingUpdate']),
    ...(at(strategy, 'type') === 'Recreate' && isRecord(at(strategy, 'rollingUpdate'))
      ? [forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
      : rollingFaults(strategy, 'spec.strategy')),
    ...(typeof progressDeadlineSeconds === 'number' && progressDeadlineSeconds <= Number(minReadySeconds ?? 0)
      ? [invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')]
      : NONE),
  ];
};

/** What is wrong with an apps/v1 ReplicaSet. */
export const replicaSetFaults = (object: unknown, old?: unknown): Faults => {
  const spec = specOf(object);
  return [
    ...workloadSelectorFaults('replicaset', spec),
    ...sameSelector(spec, old),
    ...lastingTemplate(spec),
    ...counts(spec, ['replicas', 'minReadySeconds']),
  ];
};

/** What is wrong with an apps/v1 DaemonSet. */
export const daemonSetFaults = (object: unknown, old?: unknown): Faults => {
  const spec = specOf(object);
  return [
    ...workloadSelectorFaults('daemonset', spec),
    ...sameSelector(spec, old),
    ...lastingTemplate(spec),
    ...counts(spec, ['minReadySeconds', 'revisionHistoryLimit']),
    ...oneOf('spec.updateStrategy.type', at(spec, 'updateStrategy', 'type'), ['RollingUpdate', 'OnDelete']),
    ...rollingFaults(spec.updateStrategy, 'spec.updateStrategy'),
  ];
};

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

const withoutMutable = (spec: Fields): Fields =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => !MUTABLE.includes(name)));

/** What is wrong with an apps/v1 StatefulSet. */
export const statefulSetFaults = (object: unknown, old?: unknown): Faults => {
  const spec = specOf(object);
  const policy = record(spec.persistentVolumeClaimRetentionPolicy);
  return [
    ...workloadSelectorFaults('statefulset', spec),
    ...(old === undefined || sameJson(withoutMutable(spec), withoutMutable(specOf(old)))
      ? NONE
      : [
          forbidden(
            'spec',
            `updates to statefulset spec for fields other than ${MUTABLE.map((name) => `'${name}'`).join(', ')} are forbidden`,
          ),
        ]),
    ...lastingTemplate(spec, spec.volumeClaimTemplates),
    ...counts(spec, ['replicas', 'minReadySeconds', 'revisionHistoryLimit']),
    ...oneOf('spec.podManagementPolicy', spec.podManagementPolicy, ['OrderedReady', 'Parallel']),
    ...oneOf('spec.updateStrategy.type', at(spec, 'updateStrategy', 'type'), ['RollingUpdate', 'OnDelete']),
    ...notNegative(
      'spec.updateStrategy.rollingUpdate.partition',
      at(spec, 'updateStrategy', 'rollingUpdate', 'partition'),
    ),
    ...['whenDeleted', 'whenScaled'].flatMap((name) =>
      oneOf(`spec.persistentVolumeClaimRetentionPolicy.${name}`, policy[name], ['Retain', 'Delete']),
    ),
  ];
};

/** Pods of jobs come to an end. */
const endingTemplate = (spec: Fields, path: string): Faults => {
  const policy = text(at(spec, 'template', 'spec', 'restartPolicy'));
  return [
    ...templateFaults(spec.template, join(path, 'template')),
    ...(policy === 'OnFailure' || policy === 'Never'
      ? NONE
      : [notSupported(join(path, 'template.spec.restartPolicy'), policy, ['OnFailure', 'Never'])]),
  ];
};

const jobSpecFaults = (spec: Fields, path: string): Faults => [
  ...endingTemplate(spec, path),
  ...[
    'parallelism',
    'completions',
    'backoffLimit',
    'activeDeadlineSeconds',
    'ttlSecondsAfterFinished',
    'maxFailedIndexes',
    'backoffLimitPerIndex',
  ].flatMap((name) => notNegative(join(path, name), spec[name])),
  ...oneOf(join(path, 'completionMode'), spec.completionMode, ['NonIndexed', 'Indexed']),
  ...oneOf(join(path, 'podReplacementPolicy'), spec.podReplacementPolicy, ['Failed', 'TerminatingOrFailed']),
  ...(spec.completionMode === 'Indexed' && spec.completions === undefined
    ? [required(join(path, 'completions'), 'when completion mode is Indexed')]
    : NONE),
];

const jobUpdateFaults = (spec: Fields, old: unknown): Faults => {
  const before = specOf(old);
  const notStarted = before.suspend === true && at(old, 'status', 'startTime') === undefined;
  const elastic = spec.completionMode === 'Indexed' && spec.parallelism === spec.completions;
  return [
    ...immutable('spec.selector', spec.selector, before.selector),
    ...(notStarted ? NONE : immutable('spec.template', spec.template, before.template)),
    ...(elastic ? NONE : immutable('spec.completions', spec.completions, before.completions)),
    ...immutable('spec.completionMode', spec.completionMode, before.completionMode),
  ];
};

/** What is wrong with a batch/v1 Job. */
export const jobFaults = (object: unknown, old?: unknown): Faults => {
  const spec = specOf(object);
  const own = text(at(object, 'metadata', 'uid'));
  const generated = at(spec, 'selector', 'matchLabels', 'batch.kubernetes.io/controller-uid');
  const selected =
    spec.manualSelector === true
      ? workloadSelectorFaults('job', spec)
      : [
          ...selectorFaults('spec.selector', spec.selector),
          ...(own !== '' && generated !== own
            ? [invalid('spec.selector', spec.selector, '`selector` not auto-generated')]
            : NONE),
        ];
  return [...selected, ...jobSpecFaults(spec, 'spec'), ...(old === undefined ? NONE : jobUpdateFaults(spec, old))];
};

const FIELD = /^(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(\/\d+)?(,(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(\/\d+)?)*$/;

/** True for five fields of cron, or one of its words. */
const isSchedule = (schedule: string): boolean => {
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/.test(schedule)) return true;
  const fields = schedule.trim().split(/\s+/);
  return fields.length === 5 && fields.every((field) => FIELD.test(field));
};

const zoneFaults = (zone: unknown): Faults => {
  if (typeof zone !== 'string') return NONE;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return NONE;
  } catch {
    return [invalid('spec.timeZone', zone, `unknown time zone ${zone}`)];
  }
};

/** What is wrong with a batch/v1 CronJob. */
export const cronJobFaults = (object: unknown): Faults => {
  const spec = specOf(object);
  const schedule = text(spec.schedule);
  const name = text(at(object, 'metadata', 'name'));
  return [
    ...(name.length > 52 ? [invalid('metadata.name', name, 'must be no more than 52 characters')] : NONE),
    ...(schedule === ''
      ? [required('spec.schedule')]
      : isSchedule(schedule)
        ? NONE
        : [invalid('spec.schedule', schedule, 'expected 5 fields: minute, hour, day of month, month, day of week')]),
    ...zoneFaults(spec.timeZone),
    ...counts(spec, ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit']),
    ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...jobSpecFaults(record(at(spec, 'jobTemplate', 'spec')), 'spec.jobTemplate.spec'),
  ];
};
