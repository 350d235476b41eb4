import type { ClusterJson } from '@osm/envoy';
import type { ConnectionLimits, RetryBudget } from '../plan/types.ts';
import { milliseconds } from './duration.ts';

/** Envoy's own default, spelled out: how long a connection may take to open. */
const CONNECT_TIMEOUT = '5s';

/** What is not limited: Envoy's own defaults (1024 connections and requests, 3 retries) would be limits. */
const UNLIMITED = 4_294_967_295;

/** The connect time-out and the circuit breakers of a cluster. */
export function connectionLimits(
  limits: ConnectionLimits | undefined,
  budget?: RetryBudget,
): Pick<ClusterJson, 'connectTimeout' | 'circuitBreakers'> {
  const timeout = limits?.connectTimeoutMs;
  return {
    connectTimeout: timeout === undefined || timeout <= 0 ? CONNECT_TIMEOUT : milliseconds(timeout),
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: limits?.maxConnections ?? UNLIMITED,
          maxPendingRequests: limits?.maxPendingRequests ?? UNLIMITED,
          maxRequests: limits?.maxRequests ?? UNLIMITED,
          ...(budget === undefined
            ? { maxRetries: limits?.maxRetries ?? UNLIMITED }
            : {
                retryBudget: { budgetPercent: { value: budget.percent }, minRetryConcurrency: budget.minConcurrency },
              }),
          // Gauges of what is left, where there is a limit.
          ...(limits === undefined && budget === undefined ? {} : { trackRemaining: true }),
        },
      ],
    },
  };
}
