import type { KubeObject } from '@osm/kube';
import { OBJECT_META } from '../schema/object-meta.ts';
import { readSchema } from '../schema/structural.ts';
import { at, isRecord, list, record, text, texts } from '../store/fields.ts';
import type { FieldFault, ServedType, TypeSchema } from '../types.ts';
import { columnsOf } from './columns.ts';
import { definitionFaults } from './definition-faults.ts';
import { namesOf, storageVersionOf } from './status.ts';

const STRING: TypeSchema = Object.freeze({ type: 'string', openapi: Object.freeze({}) });

/** What a definition brings, or why it cannot. */
export interface ReadCrd {
  /** One for each served version, in the order of the definition; none when there are faults. */
  readonly types: readonly ServedType[];
  readonly faults: readonly FieldFault[];
}

const kept = new WeakMap<object, TypeSchema>();

/** The schema of whole objects: that of the definition, with the fields that every object has. */
const rootSchema = (raw: unknown): TypeSchema => {
  const node = record(raw);
  const present = kept.get(node);
  if (present !== undefined) return present;
  const own = readSchema(node);
  const metadata = record(node.properties).metadata;
  const schema: TypeSchema = Object.freeze({
    ...own,
    type: 'object',
    properties: new Map([
      ['apiVersion', STRING],
      ['kind', STRING],
      // A definition may narrow `metadata.name`: that is looked at beside the common rules.
      ['metadata', isRecord(metadata) ? { ...OBJECT_META, openapi: { allOf: [metadata] } } : OBJECT_META],
      ...[...(own.properties ?? [])].filter(([name]) => !['apiVersion', 'kind', 'metadata'].includes(name)),
    ]),
  });
  kept.set(node, schema);
  return schema;
};

const subresourcesOf = (version: unknown): ServedType['subresources'] => {
  const { status, scale } = record(at(version, 'subresources'));
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = record(scale);
  return Object.freeze({
    status: isRecord(status),
    ...(isRecord(scale)
      ? {
          scale: Object.freeze({
            specReplicasPath: text(specReplicasPath),
            statusReplicasPath: text(statusReplicasPath),
            ...(text(labelSelectorPath) === '' ? {} : { labelSelectorPath: text(labelSelectorPath) }),
          }),
        }
      : {}),
  });
};

const typeOf = (crd: KubeObject, version: unknown): ServedType => {
  const names = namesOf(crd);
  return Object.freeze({
    group: text(at(crd, 'spec', 'group')),
    version: text(at(version, 'name')),
    resource: text(names.plural),
    kind: text(names.kind),
    namespaced: at(crd, 'spec', 'scope') === 'Namespaced',
    singular: text(names.singular),
    listKind: text(names.listKind),
    shortNames: texts(names.shortNames),
    categories: texts(names.categories),
    storageVersion: storageVersionOf(crd),
    schema: rootSchema(at(version, 'schema', 'openAPIV3Schema')),
    subresources: subresourcesOf(version),
    columns: columnsOf(version),
    custom: true,
    hasGeneration: true,
  });
};

/**
 * The types that a CustomResourceDefinition (apiextensions.k8s.io/v1) brings, and what is wrong with it. Never throws.
 * Conversion between versions changes nothing but `apiVersion`; conversion webhooks are refused.
 */
export const readCrd = (crd: KubeObject): ReadCrd => {
  const faults = definitionFaults(crd);
  if (faults.length > 0) return { types: [], faults };
  const served = list(at(crd, 'spec', 'versions')).filter((version) => at(version, 'served') === true);
  return { types: Object.freeze(served.map((version) => typeOf(crd, version))), faults: [] };
};
