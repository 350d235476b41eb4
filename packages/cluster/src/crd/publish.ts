import { record } from '../store/fields.ts';
import type { ServedType } from '../types.ts';

const META = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1';

const text = (description: string) => ({ type: 'string', description });

const API_VERSION = text('The version of the schema in which this object is written, as group/version.');
const KIND = text('The kind of this object, in CamelCase.');

/** `com.example.v1.Widget` for kind Widget of example.com/v1. */
const definitionName = ({ group, version, kind }: ServedType, suffix = ''): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}${suffix}`;

const marker = (type: ServedType, kind: string) => [{ group: type.group, version: type.version, kind }];

/**
 * The OpenAPI v3 definitions of a custom kind and of its list, by name, in the form in which the API server publishes them:
 * `metadata` is the common one. They refer to definitions of meta/v1, which every document has.
 */
export const publishedDefinitions = (type: ServedType): Readonly<Record<string, unknown>> => {
  const raw = record(type.schema.openapi);
  const name = definitionName(type);
  return {
    [name]: {
      ...raw,
      properties: {
        ...record(raw.properties),
        apiVersion: API_VERSION,
        kind: KIND,
        metadata: { allOf: [{ $ref: `${META}.ObjectMeta` }], description: 'Standard metadata of the object.' },
      },
      'x-kubernetes-group-version-kind': marker(type, type.kind),
    },
    [definitionName(type, 'List')]: {
      type: 'object',
      description: `${type.listKind} is a list of ${type.kind}`,
      required: ['items'],
      properties: {
        apiVersion: API_VERSION,
        kind: KIND,
        metadata: { allOf: [{ $ref: `${META}.ListMeta` }], description: 'Standard metadata of the list.' },
        items: { type: 'array', items: { $ref: `#/components/schemas/${name}` }, description: 'The objects.' },
      },
      'x-kubernetes-group-version-kind': marker(type, type.listKind),
    },
  };
};
