import type { KubeObject } from '@osm/kube';
import { at, list, number, text } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { AGE, column, labelsText, NAME, SELECTOR, TEMPLATE_COLUMNS } from './column.ts';
import { ageOf, humanDuration } from './duration.ts';

const status = (field: string) => (object: KubeObject) => number(at(object, 'status', field));
const spec = (field: string) => (object: KubeObject) => number(at(object, 'spec', field));

/** `ready/desired`. */
const ready = column('Ready', (object) => `${status('readyReplicas')(object)}/${spec('replicas')(object)}`);

/** The columns of `kubectl get deployments`. */
export const DEPLOYMENT_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  ready,
  column('Up-to-date', status('updatedReplicas'), 'integer'),
  column('Available', status('availableReplicas'), 'integer'),
  AGE,
  ...TEMPLATE_COLUMNS,
  SELECTOR,
];

/** The columns of `kubectl get replicasets`. */
export const REPLICA_SET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Desired', spec('replicas'), 'integer'),
  column('Current', status('replicas'), 'integer'),
  column('Ready', status('readyReplicas'), 'integer'),
  AGE,
  ...TEMPLATE_COLUMNS,
  SELECTOR,
];

/** The columns of `kubectl get statefulsets`. */
export const STATEFUL_SET_COLUMNS: readonly PrinterColumn[] = [NAME, ready, AGE, ...TEMPLATE_COLUMNS];

/** The columns of `kubectl get daemonsets`. */
export const DAEMON_SET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Desired', status('desiredNumberScheduled'), 'integer'),
  column('Current', status('currentNumberScheduled'), 'integer'),
  column('Ready', status('numberReady'), 'integer'),
  column('Up-to-date', status('updatedNumberScheduled'), 'integer'),
  column('Available', status('numberAvailable'), 'integer'),
  column('Node Selector', (object) => labelsText(at(object, 'spec', 'template', 'spec', 'nodeSelector'))),
  AGE,
  ...TEMPLATE_COLUMNS,
  SELECTOR,
];

/** The columns of `kubectl get controllerrevisions`. */
export const CONTROLLER_REVISION_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Controller', (object) => {
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (owner === undefined) return '<none>';
    const group = owner.apiVersion.split('/').slice(0, -1).join('/');
    return `${owner.kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${owner.name}`;
  }),
  column('Revision', (object) => number(object.revision), 'integer'),
  AGE,
];

const CONDITION_WORDS: readonly (readonly [string, string])[] = [
  ['Complete', 'Complete'],
  ['Failed', 'Failed'],
  ['Suspended', 'Suspended'],
];

const jobStatus = (job: KubeObject): string => {
  const isTrue = (type: string) =>
    list(at(job, 'status', 'conditions')).some(
      (condition) => at(condition, 'type') === type && at(condition, 'status') === 'True',
    );
  const done = CONDITION_WORDS.find(([type]) => isTrue(type));
  if (done !== undefined) return done[1];
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (isTrue('FailureTarget')) return 'FailureTarget';
  if (isTrue('SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
};

const completions = (job: KubeObject): string => {
  const succeeded = number(at(job, 'status', 'succeeded'));
  const wanted = at(job, 'spec', 'completions');
  if (typeof wanted === 'number') return `${succeeded}/${wanted}`;
  const parallelism = number(at(job, 'spec', 'parallelism'), 1);
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
};

const jobDuration = (job: KubeObject, now: Date): string => {
  const start = Date.parse(text(at(job, 'status', 'startTime')));
  if (Number.isNaN(start)) return '';
  const end = Date.parse(text(at(job, 'status', 'completionTime')));
  return humanDuration((Number.isNaN(end) ? now.getTime() : end) - start);
};

/** The columns of `kubectl get jobs`. */
export const JOB_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', jobStatus),
  column('Completions', completions),
  column('Duration', jobDuration),
  AGE,
  ...TEMPLATE_COLUMNS,
  SELECTOR,
];

/** The columns of `kubectl get cronjobs`. */
export const CRON_JOB_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Schedule', (object) => text(at(object, 'spec', 'schedule'))),
  column('Timezone', (object) => text(at(object, 'spec', 'timeZone')) || '<none>'),
  column('Suspend', (object) => (at(object, 'spec', 'suspend') === true ? 'True' : 'False')),
  column('Active', (object) => list(at(object, 'status', 'active')).length, 'integer'),
  column('Last Schedule', (object, now) => {
    const last = at(object, 'status', 'lastScheduleTime');
    return last === undefined ? '<none>' : ageOf(last, now);
  }),
  AGE,
];
