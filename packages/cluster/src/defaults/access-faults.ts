import { invalid, join, notSupported, required } from '../schema/fault.ts';
import { pathSegment } from '../schema/names.ts';
import { at, isRecord, list, record, sameJson, text } from '../store/fields.ts';
import { eachItem, type Faults, NONE, named } from './check.ts';
import { selectorFaults } from './selector-faults.ts';

const RBAC = 'rbac.authorization.k8s.io';

const ruleFaults = (rule: unknown, path: string, namespaced: boolean): Faults => {
  const { verbs, apiGroups, resources, nonResourceURLs } = record(rule);
  const verb =
    list(verbs).length === 0 ? [required(join(path, 'verbs'), 'verbs must contain at least one value')] : NONE;
  if (list(nonResourceURLs).length > 0) {
    if (namespaced)
      return [
        ...verb,
        invalid(join(path, 'nonResourceURLs'), nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'),
      ];
    return list(apiGroups).length + list(resources).length > 0
      ? [
          ...verb,
          invalid(
            join(path, 'nonResourceURLs'),
            nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        ]
      : verb;
  }
  return [
    ...verb,
    ...(list(apiGroups).length === 0
      ? [required(join(path, 'apiGroups'), 'resource rules must supply at least one api group')]
      : NONE),
    ...(list(resources).length === 0
      ? [required(join(path, 'resources'), 'resource rules must supply at least one resource')]
      : NONE),
  ];
};

/** What is wrong with a Role. */
export const roleFaults = (object: unknown): Faults =>
  eachItem('rules', at(object, 'rules'), (rule, path) => ruleFaults(rule, path, true));

/** What is wrong with a ClusterRole. */
export const clusterRoleFaults = (object: unknown): Faults => {
  const selectors = at(object, 'aggregationRule', 'clusterRoleSelectors');
  const path = 'aggregationRule.clusterRoleSelectors';
  return [
    ...eachItem('rules', at(object, 'rules'), (rule, here) => ruleFaults(rule, here, false)),
    ...(isRecord(at(object, 'aggregationRule')) && list(selectors).length === 0
      ? [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
      : NONE),
    ...eachItem(path, selectors, (selector, here) => selectorFaults(here, selector)),
  ];
};

const subjectFaults = (subject: unknown, path: string): Faults => {
  const { kind, name, namespace, apiGroup } = record(subject);
  const missing = text(name) === '' ? [required(join(path, 'name'))] : NONE;
  switch (kind) {
    case 'ServiceAccount':
      return [
        ...missing,
        ...named(join(path, 'name'), name, pathSegment),
        ...(text(namespace) === '' ? [required(join(path, 'namespace'))] : NONE),
        ...(text(apiGroup) === '' ? NONE : [notSupported(join(path, 'apiGroup'), apiGroup, [''])]),
      ];
    case 'User':
    case 'Group':
      return [...missing, ...(apiGroup === RBAC ? NONE : [notSupported(join(path, 'apiGroup'), apiGroup, [RBAC])])];
    default:
      return [...missing, notSupported(join(path, 'kind'), kind, ['ServiceAccount', 'User', 'Group'])];
  }
};

const bindingFaults = (object: unknown, old: unknown, kinds: readonly string[]): Faults => {
  const { roleRef, subjects } = record(object);
  const { apiGroup, kind, name } = record(roleRef);
  return [
    ...(apiGroup === RBAC ? NONE : [notSupported('roleRef.apiGroup', apiGroup, [RBAC])]),
    ...(kinds.includes(text(kind)) ? NONE : [notSupported('roleRef.kind', kind, kinds)]),
    ...(text(name) === '' ? [required('roleRef.name')] : named('roleRef.name', name, pathSegment)),
    ...eachItem('subjects', subjects, subjectFaults),
    ...(old !== undefined && !sameJson(roleRef, at(old, 'roleRef'))
      ? [invalid('roleRef', roleRef, 'cannot change roleRef')]
      : NONE),
  ];
};

/** What is wrong with a RoleBinding. */
export const roleBindingFaults = (object: unknown, old?: unknown): Faults =>
  bindingFaults(object, old, ['Role', 'ClusterRole']);

/** What is wrong with a ClusterRoleBinding. */
export const clusterRoleBindingFaults = (object: unknown, old?: unknown): Faults =>
  bindingFaults(object, old, ['ClusterRole']);
