import { type AnyOf, any, type RbacJson, type RbacPolicyJson } from '@osm/envoy';
import type { Access, HttpRule, RuleAccess } from '../plan/types.ts';
import { AUDIT_PREFIX } from './access-log.ts';
import { permission } from './http-match.ts';
import { policyNames, principals } from './rbac-principals.ts';

/** Rules for the requests of one virtual host, in place of those of the filter. */
export type HttpRbac = AnyOf<'envoy.extensions.filters.http.rbac.v3.RBACPerRoute'>;

/**
 * The RBAC filter's own configuration: requests that no route took are answered 404 without being judged. What audits
 * count is named here for all routes, so that an audit changes routes alone.
 */
export const RBAC_UNRULED = any('envoy.extensions.filters.http.rbac.v3.RBAC', { shadowRulesStatPrefix: AUDIT_PREFIX });

type Policies = Readonly<Record<string, RbacPolicyJson>>;

const allowing = (policies: Policies): RbacJson => ({ action: 'ALLOW', policies });

/** Requests that one of the policies lets pass; without any policy none is let pass. Others are answered 403. */
export const httpRbac = (policies: Policies): HttpRbac =>
  any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', { rbac: { rules: allowing(policies) } });

/**
 * Exactly the union of the rules: a request is let pass when some rule has both its match and its source. The routes
 * cannot say that, as the first route that matches would hide every rule after it.
 */
function policiesOf(rules: readonly HttpRule[], trustDomain: string): Policies {
  const names = policyNames(rules);
  const policies = rules.flatMap((rule, i): [string, RbacPolicyJson][] =>
    rule.sources.length === 0
      ? []
      : [[names[i]!, { permissions: [permission(rule.match)], principals: principals(rule.sources, trustDomain) }]],
  );
  return Object.fromEntries(policies);
}

/**
 * What judges requests from the mesh: the rules of `access`, and those of `audit` as shadow rules, which are counted and
 * logged and refuse nothing. Undefined where neither has any.
 */
export function accessRbac(access: Access, audit: RuleAccess | undefined, trustDomain: string): HttpRbac | undefined {
  const rules = access.mode === 'rules' ? { rules: allowing(policiesOf(access.http, trustDomain)) } : undefined;
  const shadow = audit && {
    shadowRules: allowing(policiesOf(audit.http, trustDomain)),
    shadowRulesStatPrefix: AUDIT_PREFIX,
  };
  if (rules === undefined && shadow === undefined) return undefined;
  return any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', { rbac: { ...rules, ...shadow } });
}
