import { apiVersionOf, REVIEW_TYPES } from '../kinds/index.ts';
import type { ServedType } from '../types.ts';
import { unknownPath } from './errors.ts';
import type { Registry, ServedGroup } from './registry.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const STATUS_VERBS = ['get', 'patch', 'update'];

/** One resource or subresource, as both forms of discovery list it. */
interface Entry {
  readonly name: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** Subresources that only one built-in kind has. */
const SPECIAL: Readonly<Record<string, readonly Subresource[]>> = {
  pods: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  ],
  namespaces: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  serviceaccounts: [
    { name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] },
  ],
};

const entriesOf = (type: ServedType): readonly Entry[] => {
  const sub = ({ name, kind, group, version, verbs }: Subresource): Entry => ({
    name: `${type.resource}/${name}`,
    singular: '',
    namespaced: type.namespaced,
    group: group ?? type.group,
    version: version ?? type.version,
    kind,
    verbs,
    shortNames: [],
    categories: [],
  });
  const own: Entry = {
    name: type.resource,
    singular: type.singular,
    namespaced: type.namespaced,
    group: type.group,
    version: type.version,
    kind: type.kind,
    verbs: VERBS,
    shortNames: type.shortNames,
    categories: type.categories,
  };
  const special = type.custom || type.group !== '' ? [] : (SPECIAL[type.resource] ?? []);
  return [
    own,
    ...special.map(sub),
    ...(type.subresources.scale === undefined
      ? []
      : [sub({ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: STATUS_VERBS })]),
    ...(type.subresources.status ? [sub({ name: 'status', kind: type.kind, verbs: STATUS_VERBS })] : []),
  ];
};

const entries = (registry: Registry, group: string, version: string): readonly Entry[] => {
  const stored = registry.types
    .filter((type) => type.group === group && type.version === version)
    .flatMap((type) => entriesOf(type));
  const asked = REVIEW_TYPES.filter((type) => type.group === group && type.version === version).map(
    (type): Entry => ({
      name: type.resource,
      singular: type.kind.toLowerCase(),
      namespaced: type.namespaced,
      group,
      version,
      kind: type.kind,
      verbs: ['create'],
      shortNames: [],
      categories: [],
    }),
  );
  return [...stored, ...asked].sort((left, right) => (left.name < right.name ? -1 : 1));
};

const groupVersion = (group: string, version: string) => ({ groupVersion: apiVersionOf({ group, version }), version });

const groupObject = ({ name, versions }: ServedGroup) => ({
  name,
  versions: versions.map((version) => groupVersion(name, version)),
  preferredVersion: groupVersion(name, versions[0] ?? ''),
});

/** `/api`: the versions of the core group. */
export const coreVersions = (): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [],
});

/** `/apis`: every group but the core group. */
export const groupList = (registry: Registry): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: registry.groups.filter(({ name }) => name !== '').map(groupObject),
});

/** `/apis/GROUP`. Throws NotFound. */
export const oneGroup = (registry: Registry, name: string): object => {
  const found = registry.groups.find((group) => group.name === name);
  if (found === undefined || name === '') throw unknownPath();
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupObject(found) };
};

/** `/api/v1` or `/apis/GROUP/VERSION`: the resources there. Throws NotFound. */
export const resourceList = (registry: Registry, group: string, version: string): object => {
  const found = entries(registry, group, version);
  if (found.length === 0) throw unknownPath();
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: found.map((entry) => ({
      name: entry.name,
      singularName: entry.singular,
      namespaced: entry.namespaced,
      ...(entry.group === group && entry.version === version ? {} : { group: entry.group, version: entry.version }),
      kind: entry.kind,
      verbs: entry.verbs,
      ...(entry.shortNames.length === 0 ? {} : { shortNames: entry.shortNames }),
      ...(entry.categories.length === 0 ? {} : { categories: entry.categories }),
    })),
  };
};

const scopeOf = (namespaced: boolean) => (namespaced ? 'Namespaced' : 'Cluster');
const kindOf = ({ group, version, kind }: Entry) => ({ group, version, kind });

const aggregatedVersion = (registry: Registry, group: string, version: string) => {
  const all = entries(registry, group, version);
  const resources = all.filter(({ name }) => !name.includes('/'));
  return {
    version,
    resources: resources.map((entry) => {
      const subresources = all
        .filter(({ name }) => name.startsWith(`${entry.name}/`))
        .map((sub) => ({
          subresource: sub.name.slice(entry.name.length + 1),
          responseKind: kindOf(sub),
          verbs: sub.verbs,
        }));
      return {
        resource: entry.name,
        responseKind: kindOf(entry),
        scope: scopeOf(entry.namespaced),
        singularResource: entry.singular,
        verbs: entry.verbs,
        ...(entry.shortNames.length === 0 ? {} : { shortNames: entry.shortNames }),
        ...(entry.categories.length === 0 ? {} : { categories: entry.categories }),
        ...(subresources.length === 0 ? {} : { subresources }),
      };
    }),
    freshness: 'Current',
  };
};

/** Aggregated discovery (apidiscovery.k8s.io): the core group alone under `/api`, all others under `/apis`. */
export const aggregated = (registry: Registry, root: 'api' | 'apis', version: 'v2' | 'v2beta1'): object => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: `apidiscovery.k8s.io/${version}`,
  metadata: {},
  items: registry.groups
    .filter(({ name }) => (name === '') === (root === 'api'))
    .map(({ name, versions }) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: versions.map((item) => aggregatedVersion(registry, name, item)),
    })),
});
