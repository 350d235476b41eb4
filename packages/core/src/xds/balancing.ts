import type { ClusterJson, RouteJson } from '@osm/envoy';
import type { Affinity, Balancing } from '../plan/types.ts';
import { milliseconds, seconds } from './duration.ts';

type HashPolicy = NonNullable<NonNullable<RouteJson['route']>['hashPolicy']>[number];

/** How a cluster chooses endpoints. */
export function balancing(
  mode: Balancing | undefined,
): Pick<ClusterJson, 'lbPolicy' | 'maglevLbConfig' | 'ringHashLbConfig' | 'roundRobinLbConfig'> {
  switch (mode?.mode) {
    case undefined:
      return { lbPolicy: 'ROUND_ROBIN' };
    case 'maglev':
      return { lbPolicy: 'MAGLEV' };
    case 'ring-hash':
      return { lbPolicy: 'RING_HASH' };
    case 'slow-start': {
      const slowStartConfig = {
        slowStartWindow: milliseconds(mode.windowMs),
        minWeightPercent: { value: mode.minWeightPercent },
      };
      return { lbPolicy: 'ROUND_ROBIN', roundRobinLbConfig: { slowStartConfig } };
    }
  }
}

/** By what a request's endpoint is chosen. A cookie that is not there is set. */
export function hashPolicy(affinity: Affinity): HashPolicy {
  switch (affinity.by) {
    case 'header':
      return { header: { headerName: affinity.name } };
    case 'cookie':
      return { cookie: { name: affinity.name, path: affinity.path, ttl: seconds(Math.round(affinity.ttlMs / 1000)) } };
    case 'source-address':
      return { connectionProperties: { sourceIp: true } };
  }
}
