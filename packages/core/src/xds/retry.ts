import { any, type RetryPolicyJson } from '@osm/envoy';
import type { RetryPlan } from '../plan/types.ts';
import { milliseconds } from './duration.ts';

/** Repeats of failed requests, at another endpoint where there is one. */
export function retryPolicy(retry: RetryPlan): RetryPolicyJson {
  return {
    retryOn: retry.on,
    numRetries: retry.retries,
    ...(retry.perTryTimeoutMs === undefined ? {} : { perTryTimeout: milliseconds(retry.perTryTimeoutMs) }),
    // Envoy takes no interval below a millisecond; the longest pause is its default of ten intervals.
    retryBackOff: { baseInterval: milliseconds(Math.max(1, retry.baseIntervalMs)) },
    retryHostPredicate: [
      {
        name: 'envoy.retry_host_predicates.previous_hosts',
        typedConfig: any('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
      },
    ],
    hostSelectionRetryMaxAttempts: '3',
  };
}
