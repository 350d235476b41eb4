import type { Pod } from '../objects.ts';
import { millis } from '../time.ts';
import { outcomeOf } from './tally.ts';

/** First and longest wait after failed pods, in milliseconds (Kubernetes docs, "Jobs: Pod backoff failure policy"). */
const FIRST_MS = 10_000;
const LONGEST_MS = 600_000;

const endedAt = (pod: Pod): number => {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => millis(state?.terminated?.finishedAt) ?? 0);
  return (
    Math.max(...ends, 0) || (millis(pod.metadata.deletionTimestamp) ?? millis(pod.metadata.creationTimestamp) ?? 0)
  );
};

/** When (ms) the next pod may be made: later and later while pods fail in a row. 0 when none has failed since the last success. */
export const retryAt = (pods: readonly Pod[]): number => {
  let lastSuccess = 0;
  for (const pod of pods) if (outcomeOf(pod) === 'succeeded') lastSuccess = Math.max(lastSuccess, endedAt(pod));
  const failures = pods.filter((pod) => outcomeOf(pod) === 'failed').map(endedAt);
  const recent = failures.filter((time) => time >= lastSuccess);
  if (recent.length === 0) return 0;
  return Math.max(...recent) + Math.min(LONGEST_MS, FIRST_MS * 2 ** (recent.length - 1));
};
