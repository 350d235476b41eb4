import { isRecord, list, record, text } from '../store/fields.ts';

type Raw = Readonly<Record<string, unknown>>;

const FROM = '#/$defs/';
const TO = '#/components/schemas/';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** Definitions that every document has: `metadata`, lists, failures and the options of requests. */
const ALWAYS = ['ObjectMeta', 'ListMeta', 'Status', 'DeleteOptions'].map(
  (name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`,
);

const notNull = (type: unknown): unknown =>
  Array.isArray(type) ? (type.find((name) => name !== 'null') ?? 'object') : type;

const mapped = (nodes: unknown): Raw =>
  Object.fromEntries(Object.entries(record(nodes)).map(([name, node]) => [name, publishNode(node)]));

/** A node of JSON schema 2020-12 as OpenAPI 3.0: one type, references that carry a description inside `allOf`. */
const publishNode = (node: unknown): unknown => {
  if (!isRecord(node)) return node;
  const { $ref, type, properties, items, additionalProperties, oneOf, ...rest } = node;
  const published: Record<string, unknown> = { ...rest };
  if (typeof $ref === 'string') {
    const reference = { $ref: $ref.replace(FROM, TO) };
    if (Object.keys(rest).length === 0) return reference;
    published.allOf = [reference];
  }
  if (type !== undefined) published.type = notNull(type);
  if (properties !== undefined) published.properties = mapped(properties);
  if (items !== undefined) published.items = publishNode(items);
  if (additionalProperties !== undefined) published.additionalProperties = publishNode(additionalProperties);
  if (Array.isArray(oneOf)) published.oneOf = oneOf.map(publishNode);
  return published;
};

const publishDefinition = (name: string, definition: unknown): unknown =>
  name === INT_OR_STRING
    ? {
        description: text(record(definition).description),
        format: 'int-or-string',
        oneOf: [{ type: 'integer' }, { type: 'string' }],
      }
    : publishNode(definition);

const belongs = (definition: unknown, group: string, version: string): boolean =>
  list(record(definition)['x-kubernetes-group-version-kind']).some((kind) => {
    const given = record(kind);
    return text(given.group) === group && given.version === version;
  });

/** Names of the definitions that a node refers to. */
const referencesOf = (node: unknown, into: Set<string>): Set<string> => {
  if (Array.isArray(node)) for (const child of node) referencesOf(child, into);
  else if (isRecord(node))
    for (const [key, value] of Object.entries(node))
      if (key === '$ref' && typeof value === 'string') into.add(value.slice(FROM.length));
      else if (typeof value === 'object') referencesOf(value, into);
  return into;
};

/**
 * The definitions of one group and version and all they refer to, in the form of an OpenAPI v3 document of the API server
 * (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3).
 */
export const publishDefinitions = (definitions: Raw, group: string, version: string): Raw => {
  const wanted = new Set<string>(ALWAYS);
  for (const [name, definition] of Object.entries(definitions))
    if (belongs(definition, group, version)) wanted.add(name);
  // A set may grow while it is walked: what is added is walked too.
  for (const name of wanted) referencesOf(definitions[name], wanted);
  return Object.freeze(
    Object.fromEntries([...wanted].sort().map((name) => [name, publishDefinition(name, definitions[name])])),
  );
};
