import type { KubeObject, ObjectMeta } from '@osm/kube';
import type { ServedType } from '../types.ts';

type Meta = ObjectMeta & Record<string, unknown>;

/** Metadata of a new object that the server writes after the mutating webhooks have spoken. */
const WRITTEN_LATER = ['uid', 'creationTimestamp', 'generation'] as const;

/**
 * A new object as mutating webhooks see it: the API server generates name and uid, and sets times and initial status, only after
 * them, so that a webhook must do without (as on every kube-apiserver). `generated` says that the name is not the client's.
 */
export const asRequested = (type: ServedType, object: KubeObject, generated: boolean): KubeObject => {
  const { uid: _uid, creationTimestamp: _time, generation: _generation, ...metadata } = object.metadata;
  const { name: _name, ...unnamed } = metadata;
  const seen = { ...object, metadata: generated ? unnamed : metadata } as KubeObject;
  if (!type.subresources.status) return seen;
  const { status: _status, ...rest } = seen;
  return rest as KubeObject;
};

/** The new object as webhooks leave it, with what only the server says. */
export const asCreated = (type: ServedType, mutated: KubeObject, object: KubeObject): KubeObject => {
  const metadata: Meta = { ...mutated.metadata, name: object.metadata.name };
  for (const field of ['namespace', ...WRITTEN_LATER] as const) {
    const value = object.metadata[field];
    if (value === undefined) Reflect.deleteProperty(metadata, field);
    else Reflect.set(metadata, field, value);
  }
  const created: KubeObject = { ...mutated, apiVersion: object.apiVersion, kind: object.kind, metadata };
  if (!type.subresources.status) return created;
  const { status: _status, ...rest } = created;
  return (object.status === undefined ? rest : { ...rest, status: object.status }) as KubeObject;
};
