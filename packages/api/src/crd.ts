import { z } from 'zod';
import type { Kind } from './kind.ts';
import { KINDS } from './parse.ts';

type Schema = { readonly [key: string]: unknown };

/** JSON Schema words that a structural schema may hold; `default` is left to the reader of the object. */
const KEPT = new Set([
  'type',
  'description',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'required',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
]);

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;

/**
 * The structural form of a JSON Schema node
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 * Defaults are not published: an object says what its author wrote, and a default may get better with a release.
 */
function structural(node: Schema): Schema {
  const description = node.description === undefined ? {} : { description: node.description };
  if (node['x-kubernetes-preserve-unknown-fields'] === true) {
    return { ...description, 'x-kubernetes-preserve-unknown-fields': true };
  }
  const result: Record<string, unknown> = {};
  for (const [word, value] of Object.entries(node)) if (KEPT.has(word)) result[word] = value;
  if (node.const !== undefined) result.enum = [node.const];
  if (isSchema(node.properties)) {
    result.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, property]) => [name, structural(property as Schema)]),
    );
  } else if (isSchema(node.additionalProperties)) {
    result.additionalProperties = structural(node.additionalProperties);
  }
  if (isSchema(node.items)) result.items = structural(node.items);
  return result;
}

const schemaOf = (type: z.ZodType): Schema =>
  structural(z.toJSONSchema(type, { target: 'openapi-3.0', io: 'input', unrepresentable: 'any' }) as Schema);

/** Versions that are no longer served keep stored objects as they are. */
const UNSERVED: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function crdOf(kind: Kind): object {
  const schema: Schema = {
    type: 'object',
    description: kind.description,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: schemaOf(kind.spec),
      ...(kind.status && { status: schemaOf(kind.status) }),
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${kind.plural}.${kind.group}`,
      labels: { 'app.kubernetes.io/name': 'openservicemesh.io' },
    },
    spec: {
      group: kind.group,
      scope: 'Namespaced',
      conversion: { strategy: 'None' },
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        // A short name equal to the singular would be refused as taken.
        shortNames: kind.shortNames.filter((name) => name !== kind.kind.toLowerCase()),
      },
      versions: kind.versions.map(({ name, served, storage }) => ({
        name,
        served,
        storage,
        schema: { openAPIV3Schema: served ? schema : UNSERVED },
        ...(served && { additionalPrinterColumns: kind.columns }),
        ...(kind.status && { subresources: { status: {} } }),
      })),
    },
  };
}

/** The CustomResourceDefinitions of every kind (apiextensions.k8s.io/v1), made from the same schemas as the parsers. */
export const crds = (): readonly object[] => KINDS.map(crdOf);
