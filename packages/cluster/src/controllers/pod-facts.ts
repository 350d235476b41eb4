import { findCondition } from './conditions.ts';
import type { Pod } from './objects.ts';
import { millis } from './time.ts';

/** True when all containers of the pod have ended for good. */
export const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** True when the pod is being deleted. */
export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

/** True for a pod that counts as a replica: neither ended nor being deleted. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isTerminating(pod);

/** True when the Ready condition is True. */
export const isReady = (pod: Pod): boolean => findCondition(pod.status?.conditions, 'Ready')?.status === 'True';

/** Since when (ms) the pod is ready; undefined when it is not. A ready pod without a time has been so for ever. */
export const readySince = (pod: Pod): number | undefined => {
  const condition = findCondition(pod.status?.conditions, 'Ready');
  return condition?.status === 'True' ? (millis(condition.lastTransitionTime) ?? 0) : undefined;
};

/** When (ms) the pod becomes, or became, available: ready for `minReadySeconds`. undefined when it is not ready. */
export const availableAt = (pod: Pod, minReadySeconds = 0): number | undefined => {
  const since = readySince(pod);
  return since === undefined ? undefined : minReadySeconds === 0 ? 0 : since + minReadySeconds * 1000;
};

/** Sum of the restarts of the pod's containers. */
export const restarts = (pod: Pod): number =>
  (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
