import { parseDuration, type RetrySpec } from '@osm/api';
import { identityKey } from '../../model/names.ts';
import type { MeshService, Policies, Policy } from '../../model/snapshot.ts';
import type { RetryBudget, RetryPlan } from '../../plan/types.ts';

/**
 * What is retried without a policy: requests that cannot have been processed, as none of their headers left the proxy
 * (`connect-failure`, `reset-before-request`) or the server says so (`refused-stream`, RFC 9113 §8.7). See Envoy's
 * router documentation, x-envoy-retry-on.
 */
export const DEFAULT_RETRY: RetryPlan = Object.freeze({
  on: 'connect-failure,refused-stream,reset-before-request',
  retries: 2,
  baseIntervalMs: 25,
});

/**
 * What keeps retries from becoming a storm unless the policy says otherwise: a service that fails gets a fifth more
 * requests at most, and a few where there are few. Retries that wait for their turn count as under way.
 */
export const DEFAULT_BUDGET: RetryBudget = Object.freeze({ percent: 20, minConcurrency: 10 });

/** Retry policies by the identity whose requests they repeat, in order of their names. */
export type RetryTable = ReadonlyMap<string, readonly Policy<RetrySpec>[]>;

/** Groups Retry policies by their source. */
export function foldRetries(retries: Policies['retries']): RetryTable {
  return Map.groupBy(retries.values(), ({ spec: { source } }) =>
    identityKey({ namespace: source.namespace, serviceAccount: source.name }),
  );
}

const names = ({ service, parent }: MeshService, { spec }: Policy<RetrySpec>): boolean =>
  spec.destinations.some(
    ({ kind, namespace, name }) =>
      kind === 'Service' && namespace === service.namespace && (name === service.name || name === parent.name),
  );

/** Milliseconds of at least 1: Envoy refuses intervals of 0. */
const intervalMs = (text: string | undefined): number | undefined => {
  const ms = text === undefined ? undefined : parseDuration(text);
  return ms === undefined || ms <= 0 ? undefined : Math.max(1, Math.round(ms));
};

/** A Retry policy for a service: what is repeated, and how much of it. */
export interface ServiceRetry {
  readonly retry: RetryPlan;
  /** Undefined: an UpstreamTrafficSetting's `maxRetries` holds where there is one, and {@link DEFAULT_BUDGET} elsewhere. */
  readonly budget: RetryBudget | undefined;
}

/**
 * The policy for requests to a service: the first that names it, where a pod of a headless service counts as the
 * service. Undefined when none does. Absent fields are those of Open Service Mesh 1.2: one retry, 25 ms.
 */
export function retryFor(service: MeshService, policies: readonly Policy<RetrySpec>[]): ServiceRetry | undefined {
  const policy = policies.find((candidate) => names(service, candidate));
  if (policy === undefined) return undefined;
  const { retryOn, numRetries, perTryTimeout, retryBackoffBaseInterval, budget } = policy.spec.retryPolicy;
  const timeout = intervalMs(perTryTimeout);
  const retry: RetryPlan = {
    on: retryOn || DEFAULT_RETRY.on,
    retries: numRetries ?? 1,
    ...(timeout !== undefined && { perTryTimeoutMs: timeout }),
    baseIntervalMs: intervalMs(retryBackoffBaseInterval) ?? DEFAULT_RETRY.baseIntervalMs,
  };
  const { percent, minConcurrency } = DEFAULT_BUDGET;
  return {
    retry,
    budget: budget && { percent: budget.percent ?? percent, minConcurrency: budget.minConcurrency ?? minConcurrency },
  };
}
