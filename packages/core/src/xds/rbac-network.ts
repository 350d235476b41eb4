import { any, type NetworkFilterJson, type RbacJson } from '@osm/envoy';
import type { Identity } from '../plan/types.ts';
import { AUDIT_PREFIX } from './access-log.ts';
import { principals } from './rbac-principals.ts';

function allowing(sources: readonly Identity[], trustDomain: string): RbacJson {
  const policies =
    sources.length === 0
      ? {}
      : { sources: { permissions: [{ any: true }], principals: principals(sources, trustDomain) } };
  return { action: 'ALLOW', policies };
}

/**
 * The network filter that ends connections of others than the given workloads as soon as they send something. Nobody
 * given: it ends all of them.
 */
export function networkRbac(sources: readonly Identity[], trustDomain: string): NetworkFilterJson {
  return {
    name: 'l4_rbac',
    typedConfig: any('envoy.extensions.filters.network.rbac.v3.RBAC', {
      statPrefix: 'network-',
      rules: allowing(sources, trustDomain),
    }),
  };
}

/** The network filter that counts and logs connections of others than the given workloads, and ends none. */
export const auditNetworkRbac = (
  chain: string,
  sources: readonly Identity[],
  trustDomain: string,
): NetworkFilterJson => ({
  name: 'l4_rbac_audit',
  typedConfig: any('envoy.extensions.filters.network.rbac.v3.RBAC', {
    statPrefix: `network-${chain}.`,
    shadowRules: allowing(sources, trustDomain),
    shadowRulesStatPrefix: AUDIT_PREFIX,
  }),
});
