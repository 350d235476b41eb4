import { createHash } from 'node:crypto';
import { apiVersionOf } from '../kinds/index.ts';
import type { ServedType } from '../types.ts';
import { unknownPath } from './errors.ts';
import type { Registry } from './registry.ts';
import { publishedDefinitions } from './rules.ts';

/** Gives the definitions to publish for a group and version, by name. */
export type Definitions = (group: string, version: string) => Readonly<Record<string, unknown>>;

const parameter = (name: string, type: 'string' | 'boolean' | 'integer') => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});

const pathParameter = (name: string) => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

const WRITE = [
  parameter('dryRun', 'string'),
  parameter('fieldManager', 'string'),
  parameter('fieldValidation', 'string'),
];
const LIST = [
  parameter('allowWatchBookmarks', 'boolean'),
  parameter('continue', 'string'),
  parameter('fieldSelector', 'string'),
  parameter('labelSelector', 'string'),
  parameter('limit', 'integer'),
  parameter('resourceVersion', 'string'),
  parameter('resourceVersionMatch', 'string'),
  parameter('sendInitialEvents', 'boolean'),
  parameter('timeoutSeconds', 'integer'),
  parameter('watch', 'boolean'),
];
/** Custom resources know no strategic merge; kubectl asks this list before it chooses the kind of patch. */
const patchTypes = (type: ServedType): readonly string[] => [
  'application/json-patch+json',
  'application/merge-patch+json',
  ...(type.custom ? [] : ['application/strategic-merge-patch+json']),
  'application/apply-patch+yaml',
];

/** Operations of one type: what kubectl looks for is the query parameters of PATCH and the kind each one is about. */
const pathsOf = (type: ServedType, definition: string | undefined): Readonly<Record<string, unknown>> => {
  const { group, version, kind } = type;
  const root = group === '' ? `/api/${version}` : `/apis/${apiVersionOf(type)}`;
  const collection = `${root}${type.namespaced ? '/namespaces/{namespace}' : ''}/${type.resource}`;
  const schema = definition === undefined ? { type: 'object' } : { $ref: `#/components/schemas/${definition}` };
  const answer = { 200: { description: 'OK', content: { 'application/json': { schema } } } };
  const operation = (action: string, parameters: readonly object[], body?: readonly string[]) => ({
    tags: [`${group === '' ? 'core' : group}_${version}`],
    operationId: `${action}${group.split('.')[0] ?? ''}${version}${kind}`,
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { content: Object.fromEntries(body.map((media) => [media, { schema }])), required: true } }),
    responses: answer,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  });
  const place = type.namespaced ? [pathParameter('namespace')] : [];
  return {
    [collection]: {
      get: operation('list', LIST),
      post: operation('post', WRITE, ['application/json', 'application/yaml']),
      delete: operation('deletecollection', LIST),
      parameters: place,
    },
    [`${collection}/{name}`]: {
      get: operation('get', []),
      put: operation('put', WRITE, ['application/json', 'application/yaml']),
      patch: operation('patch', [...WRITE, parameter('force', 'boolean')], patchTypes(type)),
      delete: operation('delete', [
        parameter('dryRun', 'string'),
        parameter('gracePeriodSeconds', 'integer'),
        parameter('propagationPolicy', 'string'),
      ]),
      parameters: [pathParameter('name'), ...place],
    },
  };
};

const definitionOf = (definitions: Readonly<Record<string, unknown>>, type: ServedType): string | undefined =>
  Object.entries(definitions).find(([, schema]) => {
    const kinds = (schema as { 'x-kubernetes-group-version-kind'?: unknown })['x-kubernetes-group-version-kind'];
    return (
      Array.isArray(kinds) &&
      kinds.some(
        (item: { group?: string; version?: string; kind?: string }) =>
          (item.group ?? '') === type.group && item.version === type.version && item.kind === type.kind,
      )
    );
  })?.[0];

/** One OpenAPI v3 document as it is sent. */
export interface OpenApiDocument {
  readonly json: string;
  readonly hash: string;
}

/** The OpenAPI documents of the API, each made when first asked for and kept until the types change. */
export class OpenApi {
  readonly #registry: Registry;
  readonly #definitions: Definitions;
  #documents = new Map<string, OpenApiDocument>();
  #generation = -1;

  constructor(registry: Registry, definitions: Definitions) {
    this.#registry = registry;
    this.#definitions = definitions;
  }

  /** `/openapi/v3`: where each group's document is, with its hash, so that clients keep it for ever. */
  index(): object {
    const paths = this.#registry.groups.flatMap(({ name, versions }) =>
      versions.map((version) => {
        const path = name === '' ? `api/${version}` : `apis/${name}/${version}`;
        const { hash } = this.document(name, version);
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
      }),
    );
    return { paths: Object.fromEntries(paths) };
  }

  /** `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`. Throws NotFound. */
  document(group: string, version: string): OpenApiDocument {
    if (this.#generation !== this.#registry.generation) {
      this.#documents = new Map();
      this.#generation = this.#registry.generation;
    }
    const key = `${group}/${version}`;
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    if (!this.#registry.groups.some(({ name, versions }) => name === group && versions.includes(version)))
      throw unknownPath();
    const types = this.#registry.types.filter((type) => type.group === group && type.version === version);
    const custom = types.filter((type) => type.custom).map(publishedDefinitions);
    const schemas = Object.assign({}, this.#definitions(group, version), ...custom);
    const json = JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: 'v1.37.0' },
      paths: Object.assign({}, ...types.map((type) => pathsOf(type, definitionOf(schemas, type)))),
      components: { schemas },
    });
    const document = { json, hash: createHash('sha256').update(json).digest('hex').toUpperCase() };
    this.#documents.set(key, document);
    return document;
  }

  /** `/openapi/v2`: the operations without their schemas; every client of today reads version 3 first. */
  version2(): object {
    const types = this.#registry.types;
    return {
      swagger: '2.0',
      info: { title: 'Kubernetes', version: 'v1.37.0' },
      paths: Object.fromEntries(
        types.map((type) => [
          `${type.group === '' ? '/api' : `/apis/${type.group}`}/${type.version}/${type.resource}`,
          {
            get: {
              operationId: `list${type.group}${type.version}${type.kind}`,
              responses: { 200: { description: 'OK' } },
            },
          },
        ]),
      ),
      definitions: {},
    };
  }
}
