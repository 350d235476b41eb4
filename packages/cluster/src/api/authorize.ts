import type { KubeObject } from '@osm/kube';
import { at, list, strings, text, texts } from '../store/fields.ts';
import type { Store } from '../store/index.ts';
import type { UserInfo } from '../types.ts';

/** What somebody wants to do. */
export type Attributes =
  | {
      readonly verb: string;
      readonly group: string;
      readonly version?: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly verb: string; readonly path: string };

/** One rule of a Role or ClusterRole, as it is evaluated. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Rules that a binding gives, and where they hold. */
interface Grant {
  /** '' for the whole cluster. */
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
  /** Kind and name of the binding and its role, for the reason of a decision. */
  readonly because: string;
}

/** The answer to an authorization question. */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

const RBAC = 'rbac.authorization.k8s.io';
const BUCKETS = ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'].map((name) => `${name}.${RBAC}`);

/** A rule as it is written in a role. */
export const readRule = (rule: unknown): PolicyRule => ({
  verbs: texts(at(rule, 'verbs')),
  apiGroups: texts(at(rule, 'apiGroups')),
  resources: texts(at(rule, 'resources')),
  resourceNames: texts(at(rule, 'resourceNames')),
  nonResourceURLs: texts(at(rule, 'nonResourceURLs')),
});

const holds = (wanted: readonly string[], value: string): boolean => wanted.includes('*') || wanted.includes(value);

const allows = (rule: PolicyRule, attributes: Attributes): boolean => {
  if (!holds(rule.verbs, attributes.verb)) return false;
  if ('path' in attributes)
    return rule.nonResourceURLs.some(
      (url) =>
        url === '*' || url === attributes.path || (url.endsWith('*') && attributes.path.startsWith(url.slice(0, -1))),
    );
  const { group, resource, subresource, name } = attributes;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    holds(rule.apiGroups, group) &&
    (holds(rule.resources, full) || (subresource !== '' && rule.resources.includes(`*/${subresource}`))) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(name))
  );
};

/**
 * Role-based access control over the roles and bindings in the store; what no rule allows is denied
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/). The index of grants is rebuilt when one of them changed.
 */
export class Authorizer {
  readonly #store: Store;
  #grants = new Map<string, readonly Grant[]>();
  #builtAt = -1;

  constructor(store: Store) {
    this.#store = store;
  }

  authorize(user: UserInfo, attributes: Attributes): Decision {
    if (user.groups.includes('system:masters')) return { allowed: true, reason: 'system:masters may do everything' };
    const namespace = 'path' in attributes ? '' : attributes.namespace;
    for (const grant of this.#grantsOf(user)) {
      if (grant.namespace !== '' && grant.namespace !== namespace) continue;
      if (grant.rules.some((rule) => allows(rule, attributes)))
        return { allowed: true, reason: `RBAC: allowed by ${grant.because}` };
    }
    return { allowed: false, reason: '' };
  }

  /** Every rule that holds for the user in a namespace, cluster-wide ones included. */
  rulesOf(user: UserInfo, namespace: string): readonly PolicyRule[] {
    if (user.groups.includes('system:masters')) return [EVERYTHING, EVERY_PATH];
    return this.#grantsOf(user)
      .filter((grant) => grant.namespace === '' || grant.namespace === namespace)
      .flatMap(({ rules }) => rules);
  }

  /** True when the user already holds everything that the rules allow (nobody may grant more than he has). */
  covers(user: UserInfo, namespace: string, rules: readonly PolicyRule[]): boolean {
    const held = this.rulesOf(user, namespace);
    return rules.every((rule) => spread(rule).every((attributes) => held.some((own) => coversOne(own, attributes))));
  }

  /** The rules of a Role or ClusterRole, aggregated ones included. */
  rulesOfRole(role: KubeObject | undefined, depth = 0): readonly PolicyRule[] {
    // A role may aggregate roles that aggregate others; a circle of them ends here.
    if (role === undefined || depth > 4) return [];
    const own = list(role.rules).map(readRule);
    const selectors = list(at(role, 'aggregationRule', 'clusterRoleSelectors')).map((item) =>
      strings(at(item, 'matchLabels')),
    );
    if (selectors.length === 0) return own;
    const others = this.#store
      .list(`clusterroles.${RBAC}`)
      .filter(
        ({ object }) =>
          object.metadata.name !== role.metadata.name &&
          selectors.some((labels) =>
            Object.entries(labels).every(([key, value]) => object.metadata.labels?.[key] === value),
          ),
      );
    return [...own, ...others.flatMap(({ object }) => this.rulesOfRole(object, depth + 1))];
  }

  #grantsOf(user: UserInfo): readonly Grant[] {
    this.#refresh();
    const subjects = [`User ${user.username}`, ...user.groups.map((group) => `Group ${group}`)];
    return subjects.flatMap((subject) => this.#grants.get(subject) ?? []);
  }

  #refresh(): void {
    const changed = Math.max(...BUCKETS.map((bucket) => this.#store.changedAt(bucket)));
    if (changed === this.#builtAt) return;
    this.#builtAt = changed;
    const grants = new Map<string, Grant[]>();
    for (const bucket of [`clusterrolebindings.${RBAC}`, `rolebindings.${RBAC}`])
      for (const { object } of this.#store.list(bucket)) this.#addBinding(grants, object);
    this.#grants = grants;
  }

  #addBinding(grants: Map<string, Grant[]>, binding: KubeObject): void {
    const namespace = binding.metadata.namespace ?? '';
    const role = text(at(binding, 'roleRef', 'name'));
    const kind = text(at(binding, 'roleRef', 'kind'));
    const found =
      kind === 'Role'
        ? this.#store.get(`roles.${RBAC}`, `${namespace}/${role}`)
        : this.#store.get(`clusterroles.${RBAC}`, role);
    const rules = this.rulesOfRole(found?.object);
    if (rules.length === 0) return;
    const place = namespace === '' ? binding.metadata.name : `${namespace}/${binding.metadata.name}`;
    const grant: Grant = { namespace, rules, because: `${binding.kind} "${place}" of ${kind} "${role}"` };
    for (const subject of list(binding.subjects)) {
      const key = subjectKey(subject, namespace);
      grants.set(key, [...(grants.get(key) ?? []), grant]);
    }
  }
}

const subjectKey = (subject: unknown, namespace: string): string => {
  const name = text(at(subject, 'name'));
  const kind = text(at(subject, 'kind'));
  if (kind !== 'ServiceAccount') return `${kind} ${name}`;
  return `User system:serviceaccount:${text(at(subject, 'namespace')) || namespace}:${name}`;
};

const rule = (verbs: string[], apiGroups: string[], resources: string[], nonResourceURLs: string[]): PolicyRule =>
  Object.freeze({ verbs, apiGroups, resources, resourceNames: [], nonResourceURLs });

const EVERYTHING = rule(['*'], ['*'], ['*'], []);
const EVERY_PATH = rule(['*'], [], [], ['*']);

/** The single permissions a rule is made of. */
const spread = (rule: PolicyRule): PolicyRule[] =>
  rule.verbs.flatMap((verb) => [
    ...rule.nonResourceURLs.map((url) => ({ ...NO_RULE, verbs: [verb], nonResourceURLs: [url] })),
    ...rule.apiGroups.flatMap((group) =>
      rule.resources.flatMap((resource) =>
        (rule.resourceNames.length === 0 ? [[]] : rule.resourceNames.map((name) => [name])).map((names) => ({
          ...NO_RULE,
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames: names,
        })),
      ),
    ),
  ]);

const NO_RULE: PolicyRule = rule([], [], [], []);

const coversOne = (own: PolicyRule, single: PolicyRule): boolean => {
  const [verb = ''] = single.verbs;
  if (!holds(own.verbs, verb)) return false;
  const [url] = single.nonResourceURLs;
  if (url !== undefined) return allows(own, { verb, path: url });
  const [group = ''] = single.apiGroups;
  const [resource = ''] = single.resources;
  const [name] = single.resourceNames;
  const sub = resource.includes('/') ? `*/${resource.split('/')[1]}` : resource;
  return (
    holds(own.apiGroups, group) &&
    (holds(own.resources, resource) || own.resources.includes(sub)) &&
    (own.resourceNames.length === 0 || (name !== undefined && own.resourceNames.includes(name)))
  );
};
