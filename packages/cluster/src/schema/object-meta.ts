import type { TypeSchema } from '../types.ts';
import { readSchema } from './structural.ts';

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const time = { type: 'string', format: 'date-time', nullable: true };
const seconds = { type: 'integer', format: 'int64' };

/**
 * `metadata` of custom resources (meta.k8s.io/v1 ObjectMeta), with the list markers that server-side apply needs. Built-in
 * kinds take theirs from the published schema.
 */
const RAW = {
  type: 'object',
  properties: {
    name: text,
    generateName: text,
    namespace: text,
    selfLink: text,
    uid: text,
    resourceVersion: text,
    generation: seconds,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: seconds,
    labels: { ...texts, nullable: true },
    annotations: { ...texts, nullable: true },
    finalizers: { type: 'array', nullable: true, items: text, 'x-kubernetes-list-type': 'set' },
    ownerReferences: {
      type: 'array',
      nullable: true,
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        'x-kubernetes-map-type': 'atomic',
        properties: {
          apiVersion: text,
          kind: text,
          name: text,
          uid: text,
          controller: { type: 'boolean' },
          blockOwnerDeletion: { type: 'boolean' },
        },
      },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
    },
    managedFields: {
      type: 'array',
      nullable: true,
      items: {
        type: 'object',
        properties: {
          manager: text,
          operation: text,
          apiVersion: text,
          time,
          fieldsType: text,
          fieldsV1: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          subresource: text,
        },
      },
      'x-kubernetes-list-type': 'atomic',
    },
  },
};

/** The schema of `metadata` of custom resources and of embedded resources. */
export const OBJECT_META: TypeSchema = readSchema(RAW);
