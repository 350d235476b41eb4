import { ApiError, type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { at, until } from './expect.ts';
import { atEnd, client, uniqueName } from './server.ts';

/** What a definition of the tests may say of its kind. */
export interface DefinitionOptions {
  readonly namespaced?: boolean;
  /** The schema of `v1`, below the root. */
  readonly properties?: object;
  /** Further fields of version `v1`: subresources, columns. */
  readonly version?: object;
  readonly schema?: object;
}

/** The CustomResourceDefinition of `things` in a group of its own. */
export function definitionOf(group: string, options: DefinitionOptions = {}): KubeObject {
  const { namespaced = true, properties = {}, version = {}, schema = {} } = options;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', shortNames: [`th${group.slice(-16, -12)}`] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', ...schema, properties } },
          ...version,
        },
      ],
    },
  };
}

/** The type of `things` of a group. */
export const thingsOf = (group: string, namespaced = true): ResourceType =>
  Object.freeze({ group, version: 'v1', resource: 'things', kind: 'Thing', namespaced });

/** Makes `things` of a new group, and waits until they are served. They go after the tests of the file. */
export async function defineThings(stem: string, options: DefinitionOptions = {}): Promise<ResourceType> {
  const group = `${uniqueName(stem)}.example.com`;
  const definition = definitionOf(group, options);
  await client.create(TYPES.customResourceDefinitions, definition);
  atEnd(() => remove(definition.metadata.name));
  const type = thingsOf(group, options.namespaced ?? true);
  await untilServed(type);
  return type;
}

async function remove(name: string): Promise<void> {
  await client.delete(TYPES.customResourceDefinitions, name).catch((error) => {
    if (!(error instanceof ApiError && error.code === 404)) throw error;
  });
}

/** Waits until a custom type is established and can be listed. */
export async function untilServed(type: ResourceType): Promise<void> {
  await until(
    'the definition to be established',
    () => client.get(TYPES.customResourceDefinitions, `${type.resource}.${type.group}`),
    (definition) =>
      at(definition, 'status', 'conditions')?.some(
        (condition: object) => at(condition, 'type') === 'Established' && at(condition, 'status') === 'True',
      ),
  );
  await until(
    `${type.resource} to be served`,
    () =>
      client.list(type).then(
        () => 200,
        (error) => (error instanceof ApiError ? error.code : Promise.reject(error)),
      ),
    (code) => code === 200,
  );
}

/** One of the things. */
export const thing = (type: ResourceType, name: string, fields: object = {}): KubeObject => ({
  apiVersion: `${type.group}/${type.version}`,
  kind: type.kind,
  metadata: { name },
  ...fields,
});
