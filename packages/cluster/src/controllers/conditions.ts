import type { Condition } from './objects.ts';
import { rfc3339 } from './time.ts';

/** What a controller says about one condition; the times are added by {@link withCondition}. */
export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message' | 'observedGeneration'>;

/** The condition of a type, if it is there. */
export const findCondition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type);

/** True when the condition is there and `True`. */
export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  findCondition(conditions, type)?.status === 'True';

/**
 * The conditions with one set. One that says the same already stays untouched, and `lastTransitionTime` changes only
 * with the status (API conventions, "Typical status properties").
 */
export const withCondition = (
  conditions: readonly Condition[] = [],
  verdict: Verdict,
  nowMs: number,
): readonly Condition[] => {
  const old = findCondition(conditions, verdict.type);
  if (
    old !== undefined &&
    old.status === verdict.status &&
    old.reason === verdict.reason &&
    old.message === verdict.message &&
    old.observedGeneration === verdict.observedGeneration
  )
    return conditions;
  const lastTransitionTime =
    old?.status === verdict.status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : rfc3339(nowMs);
  const next = { ...verdict, lastTransitionTime };
  return old === undefined
    ? [...conditions, next]
    : conditions.map((condition) => (condition === old ? next : condition));
};

/** The conditions without one. */
export const withoutCondition = (conditions: readonly Condition[] = [], type: string): readonly Condition[] =>
  conditions.some((condition) => condition.type === type)
    ? conditions.filter((condition) => condition.type !== type)
    : conditions;
