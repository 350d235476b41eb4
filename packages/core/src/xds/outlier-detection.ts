import type { ClusterJson } from '@osm/envoy';
import type { OutlierDetection } from '../plan/types.ts';
import { milliseconds } from './duration.ts';

/** How a threshold of 0 is said: Envoy takes it for a default, so the check is not enforced instead. */
const threshold = (count: number): readonly [count: number, enforced: number] => (count === 0 ? [1, 0] : [count, 100]);

/** When endpoints that fail are left out. What was not asked for is off: Envoy would compare rates of success too. */
export function outlierDetection(care: OutlierDetection): NonNullable<ClusterJson['outlierDetection']> {
  const [consecutive5xx, enforcingConsecutive5xx] = threshold(care.consecutive5xx);
  const [consecutiveGatewayFailure, enforcingConsecutiveGatewayFailure] = threshold(care.consecutiveGatewayErrors);
  return {
    consecutive5xx,
    enforcingConsecutive5xx,
    consecutiveGatewayFailure,
    enforcingConsecutiveGatewayFailure,
    enforcingSuccessRate: 0,
    enforcingFailurePercentage: 0,
    interval: milliseconds(care.intervalMs),
    baseEjectionTime: milliseconds(care.baseEjectionMs),
    maxEjectionTime: milliseconds(care.maxEjectionMs),
    maxEjectionPercent: care.maxEjectionPercent,
  };
}
