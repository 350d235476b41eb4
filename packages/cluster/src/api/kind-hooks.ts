import type { KubeObject } from '@osm/kube';
import { at, record, text } from '../store/fields.ts';
import type { FieldFault, ServedType } from '../types.ts';
import { qosClass } from './pod-qos.ts';
import { crdStatus, type NameConflict, readCrd, withoutTypeFields } from './rules.ts';
import type { ApiState } from './state.ts';

/** An object as its kind's hook leaves it. */
export interface Prepared {
  readonly object: KubeObject;
  readonly faults: readonly FieldFault[];
}

/** What a built-in kind does at the last moment before it is validated and stored. */
export interface KindHooks {
  beforeCreate(api: ApiState, object: KubeObject): Prepared;
  beforeUpdate(api: ApiState, object: KubeObject, live: KubeObject): Prepared;
}

const asIs = (_api: ApiState, object: KubeObject): Prepared => ({ object, faults: [] });
const PLAIN: KindHooks = Object.freeze({ beforeCreate: asIs, beforeUpdate: asIs });

const allocated = (api: ApiState, service: KubeObject, old?: KubeObject): Prepared => {
  const { service: object, faults } = api.addresses.allocate(service, old);
  return { object, faults };
};

const TOKEN_TYPE = 'kubernetes.io/service-account-token';

/** A secret of the type of service-account tokens is filled in at once; its token lives as long as the secret. */
const withToken = (api: ApiState, object: KubeObject): KubeObject => {
  if (object.type !== TOKEN_TYPE || at(object, 'data', 'token') !== undefined) return object;
  const { namespace = '', annotations = {} } = object.metadata;
  const name = annotations['kubernetes.io/service-account.name'] ?? '';
  const uid = api.store.get('serviceaccounts', `${namespace}/${name}`)?.object.metadata.uid;
  if (uid === undefined) return object;
  const secret = { name: object.metadata.name, uid: object.metadata.uid ?? '' };
  const binding = { namespace, serviceAccount: { name, uid }, secret };
  const { token } = api.tokens.issue(binding, [api.tokens.issuer], 10 * 365 * 86_400, api.now());
  const base64 = (value: string) => Buffer.from(value).toString('base64');
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, 'kubernetes.io/service-account.uid': uid } },
    data: {
      ...record(object.data),
      'ca.crt': base64(api.clusterCaPem),
      namespace: base64(namespace),
      token: base64(token),
    },
  };
};

const withQos = (_api: ApiState, object: KubeObject): Prepared => ({
  object: { ...object, status: { ...record(object.status), qosClass: qosClass(object) } },
  faults: [],
});

/** Custom resources must be gone before their definition: the finalizer keeps it until they are. */
export const CUSTOM_RESOURCE_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * A definition is served from the moment it is stored, so its status says so from the beginning; one whose names are taken waits
 * for them.
 */
export const established = (api: ApiState, object: KubeObject): Prepared => {
  const { faults } = readCrd(object);
  if (faults.length > 0) return { object, faults };
  return { object: { ...object, status: crdStatus(object, api.now(), nameConflict(api, object)) }, faults: [] };
};

const withCleanup = (_api: ApiState, object: KubeObject): KubeObject => {
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(CUSTOM_RESOURCE_CLEANUP)) return object;
  return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, CUSTOM_RESOURCE_CLEANUP] } };
};

/** A name that another definition of the same group, or a built-in kind, has already. */
const nameConflict = (api: ApiState, object: KubeObject): NameConflict | undefined => {
  const group = text(at(object, 'spec', 'group'));
  const own = new Set(api.registry.custom(object.metadata.name));
  const others = api.registry.types.filter((type) => type.group === group && !own.has(type));
  const plural = text(at(object, 'spec', 'names', 'plural'));
  const kind = text(at(object, 'spec', 'names', 'kind'));
  if (others.some((type) => type.resource === plural)) return { field: 'plural', name: plural };
  return others.some((type) => type.kind === kind) ? { field: 'kind', name: kind } : undefined;
};

const HOOKS: Readonly<Record<string, KindHooks>> = {
  Service: {
    beforeCreate: (api, object) => allocated(api, object),
    beforeUpdate: (api, object, live) => allocated(api, withoutTypeFields(object, live) as KubeObject, live),
  },
  Secret: {
    beforeCreate: (api, object) => ({ object: withToken(api, object), faults: [] }),
    beforeUpdate: asIs,
  },
  Pod: { beforeCreate: withQos, beforeUpdate: asIs },
  CustomResourceDefinition: {
    beforeCreate: (api, object) => established(api, withCleanup(api, object)),
    beforeUpdate: (api, object, live) =>
      // One that is going is on its way out of service: only its finalizers matter.
      live.metadata.deletionTimestamp === undefined ? established(api, object) : asIs(api, object),
  },
};

/** The hooks of a type; custom kinds have none. */
export const hooksOf = (type: ServedType): KindHooks => (type.custom ? PLAIN : (HOOKS[type.kind] ?? PLAIN));
