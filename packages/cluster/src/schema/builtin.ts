import { isRecord, list, record, text, texts } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { publishDefinitions } from './publish.ts';
import { type Draft, lazily } from './structural.ts';

type Raw = Readonly<Record<string, unknown>>;

/** The schemas of the built-in kinds. */
export interface BuiltinSchemas {
  /** The schema of a kind, the same object each time; undefined when Kubernetes has no such kind. */
  schemaOf(group: string, version: string, kind: string): TypeSchema | undefined;
  /**
   * The definitions (`components.schemas`) of the OpenAPI v3 document of a group and version; those of `metadata`,
   * `Status` and the options of requests when the group has no built-in kinds.
   */
  openapi(group: string, version: string): Readonly<Record<string, unknown>>;
}

const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const ANYTHING: TypeSchema = Object.freeze({ preserveUnknownFields: true, nullable: true, openapi: Object.freeze({}) });
const ANY_OBJECT: TypeSchema = Object.freeze({ ...ANYTHING, type: 'object' });

const scalar = (schema: Omit<TypeSchema, 'openapi'>, format?: string): TypeSchema =>
  Object.freeze({ nullable: true, ...schema, openapi: Object.freeze(format === undefined ? {} : { format }) });

/** Types whose JSON form the published schema does not tell, or tells without its rules. */
const SPECIAL: ReadonlyMap<string, TypeSchema> = new Map([
  ['io.k8s.apimachinery.pkg.api.resource.Quantity', scalar({}, 'quantity')],
  ['io.k8s.apimachinery.pkg.util.intstr.IntOrString', scalar({ intOrString: true })],
  [`${META}.Time`, scalar({ type: 'string' }, 'date-time')],
  [`${META}.MicroTime`, scalar({ type: 'string' }, 'micro-time')],
  [`${META}.FieldsV1`, ANY_OBJECT],
  [`${META}.Patch`, ANY_OBJECT],
  ['io.k8s.apimachinery.pkg.runtime.RawExtension', ANY_OBJECT],
  [`${APIEXTENSIONS}.JSON`, ANYTHING],
  [`${APIEXTENSIONS}.JSONSchemaPropsOrStringArray`, ANYTHING],
]);

/** Schemas that may also be a boolean or a list: their fields are those of a schema all the same. */
const SCHEMA_UNIONS: ReadonlySet<string> = new Set([
  `${APIEXTENSIONS}.JSONSchemaPropsOrBool`,
  `${APIEXTENSIONS}.JSONSchemaPropsOrArray`,
]);

/** Reports of controllers, which may be incomplete: their required fields are not asked for. */
const REPORT = /(Status|StatusDetails|Condition|NodeSystemInfo|ContainerState\w*)$/;

const REFERENCE = '#/$defs/';

const typeOf = (raw: Raw): TypeSchema['type'] => {
  const named = Array.isArray(raw.type) ? raw.type.find((name) => name !== 'null') : raw.type;
  return typeof named === 'string' ? (named as TypeSchema['type']) : undefined;
};

const strategiesOf = (raw: Raw): TypeSchema['patchStrategy'] => {
  const value = text(raw['x-kubernetes-patch-strategy']);
  return value === '' ? undefined : (value.split(',') as NonNullable<TypeSchema['patchStrategy']>);
};

const readMarkers = (draft: Draft, raw: Raw): void => {
  if (typeof raw.description === 'string') draft.description = raw.description;
  const listType = raw['x-kubernetes-list-type'];
  if (listType === 'atomic' || listType === 'set' || listType === 'map') draft.listType = listType;
  const keys = texts(raw['x-kubernetes-list-map-keys']);
  if (keys.length > 0) draft.listMapKeys = keys;
  const mapType = raw['x-kubernetes-map-type'];
  if (mapType === 'atomic' || mapType === 'granular') draft.mapType = mapType;
  const mergeKey = text(raw['x-kubernetes-patch-merge-key']);
  if (mergeKey !== '') draft.patchMergeKey = mergeKey;
  const strategies = strategiesOf(raw);
  if (strategies !== undefined) draft.patchStrategy = strategies;
};

/** The nodes of the published schema, each made when first needed. */
class Definitions {
  readonly #raw: Raw;
  readonly #made = new Map<string, TypeSchema>();

  constructor(raw: Raw) {
    this.#raw = raw;
  }

  named(name: string): TypeSchema {
    const known = SPECIAL.get(name) ?? this.#made.get(name);
    if (known !== undefined) return known;
    const made = SCHEMA_UNIONS.has(name) ? this.#schemaUnion() : this.#node(record(this.#raw[name]), name);
    this.#made.set(name, made);
    return made;
  }

  #schemaUnion(): TypeSchema {
    const draft: Draft = { nullable: true, openapi: Object.freeze({}) };
    lazily(draft, 'properties', () => this.named(`${APIEXTENSIONS}.JSONSchemaProps`).properties ?? new Map());
    return Object.freeze(draft);
  }

  #reference(raw: Raw): TypeSchema {
    const draft = copyOf(this.named(text(raw.$ref).slice(REFERENCE.length)));
    readMarkers(draft, raw);
    return Object.freeze(draft);
  }

  /** `definition` is the name of the definition that the node is, '' for a node inside of one. */
  #node(raw: Raw, definition: string): TypeSchema {
    if (typeof raw.$ref === 'string') return this.#reference(raw);
    const { format } = raw;
    const draft: Draft = { nullable: true, openapi: Object.freeze(typeof format === 'string' ? { format } : {}) };
    const type = typeOf(raw);
    if (type !== undefined) draft.type = type;
    if (isRecord(raw.properties)) {
      const properties = raw.properties;
      const isObject = Array.isArray(raw['x-kubernetes-group-version-kind']);
      lazily(draft, 'properties', () => this.#properties(properties, isObject));
    }
    if (isRecord(raw.items)) lazily(draft, 'items', () => this.#node(record(raw.items), ''));
    if (isRecord(raw.additionalProperties))
      lazily(draft, 'additionalProperties', () => this.#node(record(raw.additionalProperties), ''));
    if (Array.isArray(raw.required) && !REPORT.test(definition)) draft.required = texts(raw.required);
    if (Array.isArray(raw.enum)) draft.enum = raw.enum;
    readMarkers(draft, raw);
    return Object.freeze(draft);
  }

  #properties(raw: Raw, isObject: boolean): ReadonlyMap<string, TypeSchema> {
    return new Map(
      Object.entries(raw).map(([name, child]) => {
        // The request's address says which kind and version it is; the API sees to these two itself.
        const { enum: _enum, ...rest } = record(child);
        const node = isObject && (name === 'apiVersion' || name === 'kind') ? rest : record(child);
        return [name, this.#node(node, '')] as const;
      }),
    );
  }
}

/** A node with the same fields, which may be set; what is computed lazily stays so. */
const copyOf = (schema: TypeSchema): Draft => {
  const draft = {} as Draft;
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(schema)))
    Object.defineProperty(
      draft,
      name,
      'value' in descriptor
        ? { value: descriptor.value as unknown, enumerable: true, writable: true, configurable: true }
        : { ...descriptor, configurable: true },
    );
  return draft;
};

const keyOf = (group: string, version: string, kind: string): string => `${group}/${version}/${kind}`;

/**
 * Reads the published Kubernetes JSON schema (`$defs` by name, markers `x-kubernetes-*`, draft 2020-12). Throws Error when
 * `json` is something else.
 */
export const loadBuiltinSchemas = (json: unknown): BuiltinSchemas => {
  const raw = record(record(json).$defs);
  const kinds = new Map<string, string>();
  for (const [name, definition] of Object.entries(raw))
    for (const kind of list(record(definition)['x-kubernetes-group-version-kind'])) {
      const { group, version, kind: word } = record(kind);
      kinds.set(keyOf(text(group), text(version), text(word)), name);
    }
  if (kinds.size === 0) throw new Error('the Kubernetes schema has no definitions: run npm run setup');
  const definitions = new Definitions(raw);
  const published = new Map<string, Readonly<Record<string, unknown>>>();
  return Object.freeze({
    schemaOf(group: string, version: string, kind: string) {
      const name = kinds.get(keyOf(group, version, kind));
      return name === undefined ? undefined : definitions.named(name);
    },
    openapi(group: string, version: string) {
      const key = `${group}/${version}`;
      const present = published.get(key);
      if (present !== undefined) return present;
      const made = publishDefinitions(raw, group, version);
      published.set(key, made);
      return made;
    },
  });
};
