import { type AnyOf, any, type RbacJson, type RbacPolicyJson } from '@osm/envoy';
import type { HttpRule } from '../plan/types.ts';
import { permission } from './http-match.ts';
import { policyNames, principals } from './rbac-principals.ts';

/** Rules for the requests of one virtual host, in place of those of the filter. */
export type HttpRbac = AnyOf<'envoy.extensions.filters.http.rbac.v3.RBACPerRoute'>;

/** The RBAC filter's own configuration: requests that no route took are answered 404 without being judged. */
export const RBAC_UNRULED = any('envoy.extensions.filters.http.rbac.v3.RBAC', {});

/** Requests that one of the policies lets pass; without any policy none is let pass. Others are answered 403. */
export const httpRbac = (policies: Readonly<Record<string, RbacPolicyJson>>): HttpRbac => {
  const rules: RbacJson = { action: 'ALLOW', policies };
  return any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', { rbac: { rules } });
};

/**
 * Exactly the union of the rules: a request is let pass when some rule has both its match and its source. The routes
 * cannot say that, as the first route that matches would hide every rule after it.
 */
export function rulesRbac(rules: readonly HttpRule[], trustDomain: string): HttpRbac {
  const names = policyNames(rules);
  const policies = rules.flatMap((rule, i): [string, RbacPolicyJson][] =>
    rule.sources.length === 0
      ? []
      : [[names[i]!, { permissions: [permission(rule.match)], principals: principals(rule.sources, trustDomain) }]],
  );
  return httpRbac(Object.fromEntries(policies));
}
