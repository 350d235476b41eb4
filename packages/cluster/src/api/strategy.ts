import { randomInt, randomUUID } from 'node:crypto';
import type { KubeObject, ObjectMeta } from '@osm/kube';
import { at, list, record, sameJson } from '../store/fields.ts';
import type { FieldFault, ServedType } from '../types.ts';
import { qosClass } from './pod-qos.ts';
import { timestamp } from './state.ts';

type Meta = Record<string, unknown>;

/** Letters of generated names: without vowels and look-alikes, so that no words come out. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random characters, as Kubernetes puts behind `generateName`. */
export const randomSuffix = (): string =>
  Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

/** The name of a new object: its own, or one made from `generateName`. '' when it has neither. */
export const chosenName = (metadata: ObjectMeta): string => {
  if (metadata.name !== undefined && metadata.name !== '') return metadata.name;
  const prefix = metadata.generateName ?? '';
  return prefix === '' ? '' : `${prefix.slice(0, 58)}${randomSuffix()}`;
};

/** Status that new objects of a kind begin with. */
const initialStatus = (type: ServedType, object: KubeObject): unknown => {
  if (type.custom) return undefined;
  if (type.kind === 'Pod') return { phase: 'Pending', qosClass: qosClass(object) };
  if (type.kind === 'Namespace') return { phase: 'Active' };
  if (type.kind === 'Service' || type.kind === 'Ingress') return { loadBalancer: {} };
  if (type.kind === 'PersistentVolumeClaim' || type.kind === 'PersistentVolume') return { phase: 'Pending' };
  // A kubelet registers its node together with its status.
  return type.kind === 'Node' ? object.status : {};
};

const withStatus = (object: KubeObject, status: unknown): KubeObject => {
  const { status: _status, ...rest } = object;
  return (status === undefined ? rest : { ...rest, status }) as KubeObject;
};

/**
 * A new object with everything that only the server may say: uid, times, generation, initial status. `metadata` that a
 * client may not set is dropped silently, as Kubernetes does.
 */
export const prepareCreate = (type: ServedType, object: KubeObject, namespace: string, now: Date): KubeObject => {
  const {
    uid: _1,
    resourceVersion: _2,
    creationTimestamp: _3,
    deletionTimestamp: _4,
    deletionGracePeriodSeconds: _5,
    generation: _6,
    selfLink: _7,
    namespace: _8,
    ...given
  } = object.metadata as ObjectMeta & Meta;
  const metadata = {
    ...given,
    name: chosenName(object.metadata),
    ...(type.namespaced ? { namespace } : {}),
    uid: randomUUID(),
    creationTimestamp: timestamp(now),
    ...(type.hasGeneration ? { generation: 1 } : {}),
  };
  const created = { ...object, metadata } as KubeObject;
  const fresh = type.subresources.status ? withStatus(created, initialStatus(type, created)) : created;
  return type.kind === 'Namespace' && !type.custom ? asNamespace(fresh) : fresh;
};

/** Every namespace can be selected by its name, whatever its labels were to be. */
const withNameLabel = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
  },
});

const asNamespace = (object: KubeObject): KubeObject => ({
  ...withNameLabel(object),
  spec: { ...record(object.spec), finalizers: ['kubernetes'] },
});

/** `metadata` of an update: what the server said stays. */
const keepServerMetadata = (live: KubeObject, next: KubeObject): ObjectMeta => {
  const kept = live.metadata as ObjectMeta & Meta;
  const asked = { ...next.metadata } as Meta;
  for (const name of ['selfLink', 'resourceVersion', 'generation', 'deletionTimestamp', 'deletionGracePeriodSeconds'])
    delete asked[name];
  const metadata: Meta = { ...asked, name: kept.name };
  for (const name of [
    'namespace',
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generateName',
    'resourceVersion',
  ])
    if (kept[name] !== undefined) metadata[name] = kept[name];
  return metadata as unknown as ObjectMeta;
};

const withManagedFields = (metadata: ObjectMeta, from: KubeObject): ObjectMeta => {
  const { managedFields: _managedFields, ...rest } = metadata;
  const fields = from.metadata.managedFields;
  return fields === undefined ? rest : { ...rest, managedFields: fields };
};

/** An update through the status subresource: the status alone, and labels and annotations of pods and nodes. */
const prepareStatus = (type: ServedType, live: KubeObject, next: KubeObject): KubeObject => {
  const open = !type.custom && (type.kind === 'Pod' || type.kind === 'Node');
  const { labels, annotations } = open ? next.metadata : live.metadata;
  const { labels: _1, annotations: _2, ...rest } = live.metadata;
  const metadata = {
    ...rest,
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return withStatus({ ...live, metadata: withManagedFields(metadata, next) }, next.status);
};

/** What `metadata.generation` counts: changes of everything but metadata and status. */
const desired = (object: KubeObject): object => {
  const { apiVersion: _1, kind: _2, metadata: _3, status: _4, ...rest } = object;
  return rest;
};

/** An update as it may become: fields that the endpoint does not own stay as they are. */
export const prepareUpdate = (
  type: ServedType,
  live: KubeObject,
  next: KubeObject,
  subresource: string,
): KubeObject => {
  if (subresource === 'status') return prepareStatus(type, live, next);
  if (subresource === 'finalize')
    return { ...live, spec: { ...record(live.spec), finalizers: at(next, 'spec', 'finalizers') ?? [] } };
  const kept: KubeObject = { ...next, metadata: keepServerMetadata(live, next) };
  const updated: KubeObject = type.subresources.status ? withStatus(kept, live.status) : kept;
  return type.kind === 'Namespace' && !type.custom
    ? { ...withNameLabel(updated), spec: { ...record(updated.spec), finalizers: at(live, 'spec', 'finalizers') ?? [] } }
    : updated;
};

/** The update with its generation, which counts what is desired; to be asked of an update in its final form. */
export const countGeneration = (type: ServedType, live: KubeObject, next: KubeObject): KubeObject => {
  if (!type.hasGeneration || sameJson(desired(live), desired(next))) return next;
  return { ...next, metadata: { ...next.metadata, generation: (live.metadata.generation ?? 0) + 1 } };
};

/** Faults of an update's metadata against what is stored. */
export const metadataFaults = (live: KubeObject, next: KubeObject): readonly FieldFault[] => {
  if (live.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(live.metadata.finalizers ?? []);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  return [
    {
      path: 'metadata.finalizers',
      reason: 'FieldValueForbidden',
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    },
  ];
};

/** True when nothing keeps a deleted object any more: no finalizer, no grace period, an emptied namespace. */
export const deletionComplete = (type: ServedType, object: KubeObject): boolean => {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return type.kind !== 'Namespace' || type.custom || list(at(object, 'spec', 'finalizers')).length === 0;
};

/** Equality that ignores when fields were last managed and the revision: an update that changes nothing else is no write. */
export const sameObject = (left: KubeObject, right: KubeObject): boolean =>
  sameJson(comparable(left), comparable(right));

const comparable = (object: KubeObject): object => {
  const { managedFields, resourceVersion: _resourceVersion, ...metadata } = object.metadata;
  const timeless = managedFields?.map((entry) => {
    const { time: _time, ...rest } = record(entry);
    return rest;
  });
  return { ...object, metadata: { ...metadata, managedFields: timeless } };
};
