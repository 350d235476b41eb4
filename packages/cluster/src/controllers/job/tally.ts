import type { Pod } from '../objects.ts';
import { isTerminating } from '../pod-facts.ts';
import type { Job, JobStatus } from '../workload-objects.ts';
import { COMPLETION_INDEX, readIndexes, writeIndexes } from './indexes.ts';

/** Finalizer that keeps a pod until its end has been counted (Kubernetes docs, "Jobs: Job tracking with finalizers"). */
export const TRACKING = 'batch.kubernetes.io/job-tracking';

/** True for a job whose pods have an index each. */
export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';

/** The index of a pod; undefined when it has none. */
export const indexOf = ({ metadata }: Pod): number | undefined => {
  const value = Number(metadata.annotations?.[COMPLETION_INDEX] ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
};

/** True while the pod's end has not been counted for good. */
export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(TRACKING) === true;

/** How a pod counts; a pod that is deleted before its end has failed. */
export const outcomeOf = (pod: Pod): 'succeeded' | 'failed' | undefined => {
  if (pod.status?.phase === 'Succeeded') return 'succeeded';
  return pod.status?.phase === 'Failed' || isTerminating(pod) ? 'failed' : undefined;
};

type Counts = Pick<JobStatus, 'succeeded' | 'failed' | 'completedIndexes' | 'uncountedTerminatedPods'>;

/** What has ended so far, and what must be written to record it. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly completed: ReadonlySet<number>;
  /** Pods whose end is recorded in the next status: once that is written, their finalizer may go. */
  readonly release: readonly Pod[];
  /** The counting fields of the next status. */
  readonly counts: Counts;
  /** False while ends are recorded in the next status but not counted. */
  readonly settled: boolean;
}

/**
 * Counts every pod exactly once, whatever restarts in between: an ended pod's uid is first written to `uncountedTerminatedPods`,
 * then its finalizer is taken away, then the uid is exchanged for a number.
 */
export const tally = (job: Job, pods: readonly Pod[]): Tally => {
  const status = job.status ?? {};
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid ?? '', pod]));
  const recorded = {
    succeeded: status.uncountedTerminatedPods?.succeeded ?? [],
    failed: status.uncountedTerminatedPods?.failed ?? [],
  };
  const known = new Set([...recorded.succeeded, ...recorded.failed]);
  const done = new Set(readIndexes(status.completedIndexes ?? ''));
  const fresh = { succeeded: [] as string[], failed: [] as string[] };
  for (const [uid, pod] of tracked) {
    const outcome = outcomeOf(pod);
    if (outcome === undefined || known.has(uid)) continue;
    const index = indexOf(pod);
    if (outcome === 'succeeded' && index !== undefined && index < (job.spec.completions ?? 0)) done.add(index);
    fresh[outcome].push(uid);
  }
  const stillHeld = (uid: string): boolean => tracked.has(uid);
  const counted = (kind: 'succeeded' | 'failed'): number =>
    (status[kind] ?? 0) + recorded[kind].filter((uid) => !stillHeld(uid)).length;
  const waiting = {
    succeeded: [...recorded.succeeded.filter(stillHeld), ...fresh.succeeded],
    failed: [...recorded.failed.filter(stillHeld), ...fresh.failed],
  };
  const settled = waiting.succeeded.length + waiting.failed.length === 0;
  // Of an index only the first success counts.
  const succeeded = isIndexed(job) ? done.size : counted('succeeded');
  const failed = counted('failed');
  return {
    succeeded: isIndexed(job) ? done.size : succeeded + waiting.succeeded.length,
    failed: failed + waiting.failed.length,
    completed: done,
    release: [...waiting.succeeded, ...waiting.failed].flatMap((uid) => tracked.get(uid) ?? []),
    counts: {
      ...(succeeded === 0 ? {} : { succeeded }),
      ...(failed === 0 ? {} : { failed }),
      ...(done.size === 0 ? {} : { completedIndexes: writeIndexes(done) }),
      uncountedTerminatedPods: {
        ...(waiting.succeeded.length === 0 ? {} : { succeeded: waiting.succeeded }),
        ...(waiting.failed.length === 0 ? {} : { failed: waiting.failed }),
      },
    },
    settled,
  };
};
