import type { KubeObject } from '@osm/kube';
import { at, sameJson, text } from '../store/fields.ts';
import type { AdmissionCall } from './admit.ts';
import { type PolicyRule, readRule } from './authorize.ts';
import { forbidden } from './errors.ts';
import type { ApiState } from './state.ts';

const GROUP = 'rbac.authorization.k8s.io';

const may = (api: ApiState, { target, user }: AdmissionCall, verb: string, resource: string, name: string): boolean =>
  api.authorizer.authorize(user, {
    verb,
    group: GROUP,
    resource,
    subresource: '',
    namespace: target.namespace,
    name,
  }).allowed;

const ruleText = ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string => {
  const part = (name: string, values: readonly string[]) =>
    values.length === 0 ? [] : [`${name}:${JSON.stringify(values)}`];
  return `{${[
    ...part('APIGroups', apiGroups),
    ...part('Resources', resources),
    ...part('ResourceNames', resourceNames),
    ...part('NonResourceURLs', nonResourceURLs),
    ...part('Verbs', verbs),
  ].join(', ')}}`;
};

const refuse = (call: AdmissionCall, object: KubeObject, rules: readonly PolicyRule[]) =>
  forbidden(
    call.target.type,
    object.metadata.name,
    `user "${call.user.username}" (groups=${JSON.stringify(call.user.groups)}) is attempting to grant RBAC permissions ` +
      `not currently held:\n${rules.map(ruleText).join('\n')}`,
  );

/** The rules that an object gives away, and the verb that permits giving away more than one has. */
const given = (
  api: ApiState,
  object: KubeObject,
): { rules: readonly PolicyRule[]; verb: string; role: string; resource: string } => {
  if (object.kind === 'Role' || object.kind === 'ClusterRole') {
    const resource = object.kind === 'Role' ? 'roles' : 'clusterroles';
    return { rules: api.authorizer.rulesOfRole(object), verb: 'escalate', role: object.metadata.name, resource };
  }
  const role = text(at(object, 'roleRef', 'name'));
  const resource = at(object, 'roleRef', 'kind') === 'Role' ? 'roles' : 'clusterroles';
  const key = resource === 'roles' ? `${object.metadata.namespace ?? ''}/${role}` : role;
  const found = api.store.get(`${resource}.${GROUP}`, key)?.object;
  return { rules: api.authorizer.rulesOfRole(found), verb: 'bind', role, resource };
};

/**
 * Nobody gives away more rights than he has, unless he may `escalate` or `bind`
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping). Throws Forbidden.
 */
export const checkEscalation = (api: ApiState, call: AdmissionCall, object: KubeObject): void => {
  const { type } = call.target;
  if (type.group !== GROUP || type.custom) return;
  const { old } = call;
  const unchanged = ['rules', 'aggregationRule', 'roleRef', 'subjects'].every((field) =>
    sameJson(old?.[field], object[field]),
  );
  if (old !== undefined && unchanged) return;
  const { rules, verb, role, resource } = given(api, object);
  // What binds or aggregates nothing today may do so tomorrow: that takes the right to everything.
  const open =
    object.aggregationRule !== undefined ? [readRule({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })] : [];
  const wanted = [...rules, ...open];
  if (api.authorizer.covers(call.user, call.target.namespace, wanted)) return;
  if (may(api, call, verb, resource, role)) return;
  throw refuse(
    call,
    object,
    wanted.filter((rule) => !api.authorizer.covers(call.user, call.target.namespace, [rule])),
  );
};
