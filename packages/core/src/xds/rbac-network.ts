import { any, type NetworkFilterJson } from '@osm/envoy';
import type { Identity } from '../plan/types.ts';
import { principals } from './rbac-principals.ts';

/**
 * The network filter that ends connections of others than the given workloads as soon as they send something. Nobody
 * given: it ends all of them.
 */
export function networkRbac(sources: readonly Identity[], trustDomain: string): NetworkFilterJson {
  const policies =
    sources.length === 0
      ? {}
      : { sources: { permissions: [{ any: true }], principals: principals(sources, trustDomain) } };
  return {
    name: 'l4_rbac',
    typedConfig: any('envoy.extensions.filters.network.rbac.v3.RBAC', {
      statPrefix: 'network-',
      rules: { action: 'ALLOW', policies },
    }),
  };
}
