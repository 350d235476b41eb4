import { sameJson } from '../../store/fields.ts';
import { isTrue } from '../conditions.ts';
import { isJobFinished } from '../job/plan.ts';
import { controllerReference } from '../ownership.ts';
import { millis, rfc3339 } from '../time.ts';
import type { CronJob, Job } from '../workload-objects.ts';
import { nextTime, readSchedule } from './schedule.ts';

/** What a CronJob wants done. */
export interface CronJobPlan {
  /** A job for a time that has come. */
  readonly create?: ReturnType<typeof jobOf>;
  readonly scheduledAt?: number;
  /** Jobs that go: replaced ones, and history beyond the limits. */
  readonly remove: readonly Job[];
  readonly status?: NonNullable<CronJob['status']>;
  readonly lookAgainAt?: number;
  /** Why nothing was made. */
  readonly warning?: { readonly reason: string; readonly message: string };
}

/** What a plan is made of. */
export interface CronJobFacts {
  readonly cron: CronJob;
  /** Jobs that the CronJob controls. */
  readonly jobs: readonly Job[];
  readonly nowMs: number;
}

const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

const jobOf = (cron: CronJob, atMs: number) => {
  const { metadata, spec } = cron.spec.jobTemplate;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      // The name is that of the time, so that one time never makes two jobs.
      name: `${cron.metadata.name.slice(0, 52)}-${Math.floor(atMs / 60_000)}`,
      namespace: cron.metadata.namespace ?? 'default',
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [SCHEDULED]: rfc3339(atMs) },
      ownerReferences: [controllerReference(cron)],
    },
    spec,
  };
};

/** Times since `from` up to now: the newest one. Of a long silence only the end is looked at. */
const newestDue = (next: (afterMs: number) => number | undefined, from: number, nowMs: number): number | undefined => {
  const first = next(from);
  if (first === undefined || first > nowMs) return undefined;
  const second = next(first);
  if (second === undefined || second > nowMs) return first;
  // A year of gaps cannot be longer than a few of the first: look back from now, further and further.
  for (let back = second - first; ; back *= 4) {
    const start = Math.max(first - 1, nowMs - back);
    let newest: number | undefined;
    for (let time = next(start); time !== undefined && time <= nowMs; time = next(time)) newest = time;
    if (newest !== undefined || start < first) return newest ?? first;
  }
};

const surplus = (jobs: readonly Job[], keep: number): readonly Job[] =>
  [...jobs]
    .sort((left, right) => ((left.status?.startTime ?? '') < (right.status?.startTime ?? '') ? -1 : 1))
    .slice(0, Math.max(0, jobs.length - keep));

/** Decides what a CronJob needs (Kubernetes docs, "CronJob"). */
export const planCronJob = ({ cron, jobs, nowMs }: CronJobFacts): CronJobPlan => {
  const { spec } = cron;
  const active = jobs.filter((job) => !isJobFinished(job) && job.metadata.deletionTimestamp === undefined);
  const finished = jobs.filter(isJobFinished);
  const succeeded = finished.filter(({ status }) => isTrue(status?.conditions, 'Complete'));
  const failed = finished.filter((job) => !succeeded.includes(job));
  const old = [
    ...surplus(succeeded, spec.successfulJobsHistoryLimit ?? 3),
    ...surplus(failed, spec.failedJobsHistoryLimit ?? 1),
  ];
  const due = findDue(cron, nowMs);
  const status = (scheduledAt?: number): Pick<CronJobPlan, 'status'> => {
    const lastSuccess = succeeded
      .map((job) => job.status?.completionTime ?? '')
      .sort()
      .at(-1);
    const last = scheduledAt === undefined ? cron.status?.lastScheduleTime : rfc3339(scheduledAt);
    const success = [cron.status?.lastSuccessfulTime ?? '', lastSuccess ?? ''].sort().at(-1);
    const reference = ({ metadata, apiVersion, kind }: Job) => ({
      apiVersion,
      kind,
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      uid: metadata.uid ?? '',
    });
    const next = {
      ...(active.length === 0 ? {} : { active: active.map(reference) }),
      ...(last === undefined ? {} : { lastScheduleTime: last }),
      ...(success === undefined || success === '' ? {} : { lastSuccessfulTime: success }),
    };
    return sameJson(next, cron.status ?? {}) ? {} : { status: next };
  };
  if ('warning' in due) return { remove: old, ...status(), warning: due.warning };
  const wait = due.nextAt === undefined ? {} : { lookAgainAt: due.nextAt };
  const paused = spec.suspend === true || cron.metadata.deletionTimestamp !== undefined;
  if (paused || due.at === undefined) return { remove: old, ...status(), ...(paused ? {} : wait) };
  const scheduledAt = due.at;
  if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
    const warning = {
      reason: 'JobAlreadyActive',
      message: 'Not starting job because prior execution is running and concurrency policy is Forbid',
    };
    return { remove: old, ...status(), ...wait, warning };
  }
  const replaced = spec.concurrencyPolicy === 'Replace' ? active : [];
  return {
    create: jobOf(cron, scheduledAt),
    scheduledAt,
    remove: [...replaced, ...old],
    ...status(scheduledAt),
    ...wait,
  };
};

type Due =
  | { readonly at: number | undefined; readonly nextAt: number | undefined }
  | { readonly warning: { readonly reason: string; readonly message: string } };

const findDue = (cron: CronJob, nowMs: number): Due => {
  const { schedule: text, timeZone, startingDeadlineSeconds } = cron.spec;
  const schedule = readSchedule(text);
  if (schedule === undefined)
    return { warning: { reason: 'UnparseableSchedule', message: `unparseable schedule: ${text}` } };
  try {
    const next = (afterMs: number): number | undefined => nextTime(schedule, afterMs, timeZone ?? 'UTC');
    const since = millis(cron.status?.lastScheduleTime) ?? millis(cron.metadata.creationTimestamp) ?? nowMs;
    const deadline = startingDeadlineSeconds === undefined ? since : nowMs - startingDeadlineSeconds * 1000;
    return { at: newestDue(next, Math.max(since, deadline), nowMs), nextAt: next(nowMs) };
  } catch {
    return { warning: { reason: 'UnknownTimeZone', message: `invalid timeZone: ${timeZone ?? ''}` } };
  }
};
