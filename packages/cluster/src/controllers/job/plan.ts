import { sameJson } from '../../store/fields.ts';
import { findCondition, isTrue, withCondition } from '../conditions.ts';
import type { Condition, Pod } from '../objects.ts';
import { isReady, isTerminating, restarts } from '../pod-facts.ts';
import { deletionOrder } from '../pods/deletion-order.ts';
import type { NewPod } from '../pods/new-pod.ts';
import { earliest, millis, rfc3339 } from '../time.ts';
import type { Job, JobStatus } from '../workload-objects.ts';
import { jobPod } from './job-pod.ts';
import { retryAt } from './retry.ts';
import { indexOf, isIndexed, isTracked, outcomeOf, type Tally, tally } from './tally.ts';

/** What a Job wants done, in this order: status, release, remove, create. */
export interface JobPlan {
  readonly status?: JobStatus;
  /** Pods whose tracking finalizer goes. */
  readonly release: readonly Pod[];
  readonly remove: readonly Pod[];
  readonly create: readonly NewPod[];
  /** The job itself has been finished for longer than it asks to be kept. */
  readonly expired?: true;
  readonly lookAgainAt?: number;
  /** What has come to an end just now. */
  readonly event?: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };
}

/** What a plan is made of. */
export interface JobFacts {
  readonly job: Job;
  /** Pods that the job controls. */
  readonly pods: readonly Pod[];
  readonly nowMs: number;
}

const REST: JobPlan = Object.freeze({ release: [], remove: [], create: [] });

interface End {
  readonly reason: string;
  readonly message: string;
}

/** Fields that change what a job means and are not served here: such a job fails at once, instead of doing something else. */
const UNSUPPORTED = ['podFailurePolicy', 'successPolicy', 'backoffLimitPerIndex'] as const;

/** True when the job has come to its end. */
export const isJobFinished = ({ status }: Job): boolean =>
  isTrue(status?.conditions, 'Complete') || isTrue(status?.conditions, 'Failed');

/** How many pods have to succeed; undefined: one success ends a work queue. */
const completionsOf = ({ spec }: Job): number | undefined =>
  spec.completions ?? (spec.parallelism === undefined ? 1 : undefined);

const failureOf = ({ job, nowMs }: JobFacts, counted: Tally, active: readonly Pod[]): End | undefined => {
  const { spec, status } = job;
  const target = findCondition(status?.conditions, 'FailureTarget');
  if (target?.status === 'True') return { reason: target.reason ?? '', message: target.message ?? '' };
  const field = UNSUPPORTED.find((name) => spec[name] !== undefined && spec[name] !== null);
  if (field !== undefined)
    return { reason: 'UnsupportedField', message: `spec.${field} is not supported by this cluster` };
  const limit = spec.backoffLimit ?? 6;
  const retries =
    spec.template.spec.restartPolicy === 'OnFailure' ? active.reduce((sum, pod) => sum + restarts(pod), 0) : 0;
  if (counted.failed > limit || (retries > 0 && retries >= limit))
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const started = millis(status?.startTime);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && started !== undefined && nowMs >= started + deadline * 1000)
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  return undefined;
};

const successOf = (job: Job, { succeeded }: Tally, active: readonly Pod[]): End | undefined => {
  const met = findCondition(job.status?.conditions, 'SuccessCriteriaMet');
  if (met?.status === 'True') return { reason: met.reason ?? '', message: met.message ?? '' };
  const completions = completionsOf(job);
  const reached = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
  return reached ? { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
};

/** Decides what a Job needs (Kubernetes docs, "Jobs"). */
export const planJob = (facts: JobFacts): JobPlan => {
  const { job, pods, nowMs } = facts;
  if (isJobFinished(job)) return planFinished(facts);
  const counted = tally(job, pods);
  const active = pods.filter((pod) => outcomeOf(pod) === undefined);
  const terminating = pods.filter(
    (pod) => isTerminating(pod) && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed',
  );
  const failure = failureOf(facts, counted, active);
  const success = failure === undefined ? successOf(job, counted, active) : undefined;
  const suspended = job.spec.suspend === true && failure === undefined && success === undefined;
  const ended = (failure ?? success) !== undefined;
  const over = ended && active.length === 0 && terminating.length === 0 && counted.settled;
  let conditions: readonly Condition[] = job.status?.conditions ?? [];
  const set = (type: string, status: 'True' | 'False', end: End): void => {
    conditions = withCondition(conditions, { type, status, ...end }, nowMs);
  };
  if (failure !== undefined) set('FailureTarget', 'True', failure);
  if (success !== undefined) set('SuccessCriteriaMet', 'True', success);
  if (over && failure !== undefined) set('Failed', 'True', failure);
  if (over && success !== undefined) set('Complete', 'True', success);
  if (suspended) set('Suspended', 'True', { reason: 'JobSuspended', message: 'Job suspended' });
  else if (isTrue(conditions, 'Suspended')) set('Suspended', 'False', { reason: 'JobResumed', message: 'Job resumed' });

  const going = job.metadata.deletionTimestamp !== undefined;
  const pace = ended || suspended || going ? undefined : nextPods(facts, counted, active);
  const removed = ended || suspended ? active : (pace?.remove ?? []);
  const started = job.status?.startTime ?? rfc3339(nowMs);
  const status: JobStatus = {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(suspended ? {} : { startTime: started }),
    ...(over && success !== undefined ? { completionTime: rfc3339(nowMs) } : {}),
    ...(active.length === 0 ? {} : { active: active.length }),
    ready: active.filter(isReady).length,
    terminating: terminating.length,
    ...counted.counts,
  };
  const { activeDeadlineSeconds: deadline } = job.spec;
  const dueAt = deadline === undefined || ended || suspended ? undefined : (millis(started) ?? nowMs) + deadline * 1000;
  const lookAgainAt = earliest(dueAt, pace?.notBefore);
  return {
    ...(sameJson(status, job.status ?? {}) ? {} : { status }),
    // A suspended pod is not a failed one: it goes uncounted.
    release: suspended ? [...counted.release, ...active.filter(isTracked)] : counted.release,
    remove: removed,
    create: pace?.create ?? [],
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
    ...(over && failure !== undefined ? { event: { type: 'Warning', ...failure } as const } : {}),
    ...(over && success !== undefined
      ? { event: { type: 'Normal', reason: 'Completed', message: 'Job completed' } as const }
      : {}),
  };
};

const planFinished = ({ job, pods, nowMs }: JobFacts): JobPlan => {
  const release = pods.filter(isTracked);
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return { ...REST, release };
  const condition = [
    findCondition(job.status?.conditions, 'Complete'),
    findCondition(job.status?.conditions, 'Failed'),
  ].find((each) => each?.status === 'True');
  const dueAt = (millis(condition?.lastTransitionTime) ?? nowMs) + ttl * 1000;
  return dueAt <= nowMs ? { ...REST, release, expired: true } : { ...REST, release, lookAgainAt: dueAt };
};

/** Pods to make or to give up so that as many run as the job wants at this moment. */
const nextPods = (
  { job, pods, nowMs }: JobFacts,
  counted: Tally,
  active: readonly Pod[],
): { create: readonly NewPod[]; remove: readonly Pod[]; notBefore?: number } => {
  const parallelism = job.spec.parallelism ?? 1;
  const completions = completionsOf(job);
  const wanted =
    completions === undefined
      ? counted.succeeded > 0
        ? Math.min(active.length, parallelism)
        : parallelism
      : Math.min(parallelism, completions - counted.succeeded);
  if (active.length > wanted)
    return { create: [], remove: deletionOrder(active, nowMs).slice(0, active.length - wanted) };
  if (active.length === wanted) return { create: [], remove: [] };
  const notBefore = retryAt(pods);
  if (notBefore > nowMs) return { create: [], remove: [], notBefore };
  const missing = wanted - active.length;
  if (!isIndexed(job)) return { create: Array.from({ length: missing }, () => jobPod(job)), remove: [] };
  const taken = new Set(active.map(indexOf));
  const free: number[] = [];
  for (let index = 0; index < (completions ?? 0) && free.length < missing; index += 1)
    if (!counted.completed.has(index) && !taken.has(index)) free.push(index);
  return { create: free.map((index) => jobPod(job, index)), remove: [] };
};
