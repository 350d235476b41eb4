import type { KubeObject } from '@osm/kube';
import type { TypeSchema } from '../types.ts';
import { difference, type FieldSet } from './field-set.ts';
import type { OwnerIdentity } from './owners.ts';

/** A write whose owner is to be recorded. */
export interface Ownership {
  /** What is stored now; `undefined` for a new object. */
  readonly live: KubeObject | undefined;
  /** Name of the field manager. */
  readonly manager: string;
  readonly schema: TypeSchema;
  /** '' for the main resource. */
  readonly subresource: string;
  readonly apiVersion: string;
  readonly now: Date;
}

const METADATA_OF_THE_SERVER: FieldSet = Object.fromEntries(
  [
    '.',
    'f:name',
    'f:namespace',
    'f:generateName',
    'f:creationTimestamp',
    'f:deletionTimestamp',
    'f:deletionGracePeriodSeconds',
    'f:selfLink',
    'f:uid',
    'f:generation',
    'f:resourceVersion',
    'f:managedFields',
  ].map((element) => [element, {}]),
);

const OWNERLESS: FieldSet = { 'f:apiVersion': {}, 'f:kind': {}, 'f:metadata': METADATA_OF_THE_SERVER };

/** The set without fields that identify the object or that only the server writes: nobody owns those. */
export const ownable = (fields: FieldSet): FieldSet => difference(fields, OWNERLESS);

/** The owner that a write acts for. */
export const identityOf = (call: Ownership, operation: OwnerIdentity['operation']): OwnerIdentity => ({
  manager: call.manager,
  operation,
  apiVersion: call.apiVersion,
  subresource: call.subresource,
});

/** Times of entries are whole seconds. */
export const entryTime = (now: Date): string => `${now.toISOString().slice(0, 19)}Z`;

/** The object without its managed fields, which are no fields that could be owned. */
export const withoutOwners = (object: KubeObject): KubeObject => {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
};

/** The object with these managed fields, or without any. */
export const withOwners = (object: KubeObject, managedFields: readonly object[] | undefined): KubeObject => {
  if (object.metadata.managedFields === managedFields) return object;
  const bare = withoutOwners(object);
  return managedFields === undefined ? bare : { ...bare, metadata: { ...bare.metadata, managedFields } };
};
