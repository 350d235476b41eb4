import type { KubeObject } from '@osm/kube';
import { at, record, strings } from '../store/fields.ts';
import type { FieldFault, ServedType } from '../types.ts';
import { qosClass } from './pod-qos.ts';
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

/** `stringData` is a convenience of writing: it ends up in `data`, in base64. */
const withSecretData = (_api: ApiState, object: KubeObject): Prepared => {
  const { stringData, ...secret } = object;
  if (stringData === undefined) return { object, faults: [] };
  const encoded = Object.entries(strings(stringData)).map(
    ([key, value]) => [key, Buffer.from(value).toString('base64')] as const,
  );
  const data = { ...record(secret.data), ...Object.fromEntries(encoded) };
  return { object: { ...secret, data } as KubeObject, faults: [] };
};

const withQos = (_api: ApiState, object: KubeObject): Prepared => ({
  object: { ...object, status: { ...record(object.status), qosClass: qosClass(object) } },
  faults: [],
});

/** Custom resources must be gone before their definition: the finalizer keeps it until they are. */
export const CUSTOM_RESOURCE_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

const withCleanup = (_api: ApiState, object: KubeObject): Prepared => {
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(CUSTOM_RESOURCE_CLEANUP)) return { object, faults: [] };
  return {
    object: { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, CUSTOM_RESOURCE_CLEANUP] } },
    faults: [],
  };
};

const HOOKS: Readonly<Record<string, KindHooks>> = {
  Service: {
    beforeCreate: (api, object) => allocated(api, object),
    beforeUpdate: (api, object, live) => allocated(api, object, live),
  },
  Secret: { beforeCreate: withSecretData, beforeUpdate: withSecretData },
  Pod: { beforeCreate: withQos, beforeUpdate: asIs },
  CustomResourceDefinition: { beforeCreate: withCleanup, beforeUpdate: asIs },
  ServiceAccount: PLAIN,
};

/** The hooks of a type; custom kinds have none. */
export const hooksOf = (type: ServedType): KindHooks => (type.custom ? PLAIN : (HOOKS[type.kind] ?? PLAIN));

/** True for a service that has no address of its own. */
export const isHeadless = (service: KubeObject): boolean => at(service, 'spec', 'clusterIP') === 'None';
