import type { AdmissionRequest, Resource } from './request.ts';
import type { Rule, Webhook } from './webhook.ts';

const anyOf = (wanted: readonly string[], value: string): boolean => wanted.includes('*') || wanted.includes(value);

const matchesResource = (patterns: readonly string[], resource: string, subresource: string): boolean =>
  patterns.some((pattern) => {
    const [wanted = '', sub = ''] = pattern.split('/');
    return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource);
  });

const matchesScope = ({ scope }: Rule, request: AdmissionRequest): boolean => {
  if (scope === '*') return true;
  // A Namespace carries its own name as its namespace, and is cluster-scoped all the same.
  const namespaced = request.namespace !== undefined && request.resource.resource !== 'namespaces';
  return namespaced === (scope === 'Namespaced');
};

const matches = (rule: Rule, request: AdmissionRequest, { group, version, resource }: Resource): boolean =>
  anyOf(rule.operations, request.operation) &&
  anyOf(rule.apiGroups, group) &&
  anyOf(rule.apiVersions, version) &&
  matchesResource(rule.resources, resource, request.subResource ?? '') &&
  matchesScope(rule, request);

/**
 * The resource as which a webhook sees a request: the one of the request when a rule names it, else (with `matchPolicy:
 * Equivalent`) the first of `equivalents` that a rule names; `undefined` when it wants none.
 */
export const matchRules = (
  webhook: Webhook,
  request: AdmissionRequest,
  equivalents: readonly Resource[],
): Resource | undefined => {
  if (webhook.rules.some((rule) => matches(rule, request, request.resource))) return request.resource;
  if (webhook.matchPolicy === 'Exact') return undefined;
  return equivalents.find((resource) => webhook.rules.some((rule) => matches(rule, request, resource)));
};
