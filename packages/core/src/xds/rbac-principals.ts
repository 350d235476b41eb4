import type { RbacPrincipalJson } from '@osm/envoy';
import type { Identity, Origin } from '../plan/types.ts';
import { spiffeId } from './names.ts';

/** Workloads as RBAC principals: by the SPIFFE ID in their verified certificate. Never called for nobody. */
export function principals(sources: readonly Identity[], trustDomain: string): RbacPrincipalJson[] {
  // An empty list of principals is no policy for Envoy; one that means anybody must never come of it.
  if (sources.length === 0) throw new RangeError('a rule without sources');
  return sources.map((source) => ({ authenticated: { principalName: { exact: spiffeId(source, trustDomain) } } }));
}

/**
 * Names for the policies of rules, by which config dumps tell them apart: the object that made the rule, numbered from
 * its second rule on.
 */
export function policyNames(rules: readonly { readonly origins: readonly Origin[] }[]): readonly string[] {
  const used = new Map<string, number>();
  return rules.map(({ origins: [origin] }) => {
    const name = origin === undefined ? 'rule' : `${origin.namespace}/${origin.name}`;
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}
