import { forbidden, invalid, item, join, notSupported, required } from '../schema/fault.ts';
import { compilePattern } from '../schema/pattern.ts';
import { pruneValue } from '../schema/prune.ts';
import { readSchema } from '../schema/structural.ts';
import { validateValue } from '../schema/values.ts';
import { isRecord, list, record, sameJson, text, texts } from '../store/fields.ts';
import type { FieldFault } from '../types.ts';
import { ruleFaults } from './cel/rule-faults.ts';

type Raw = Readonly<Record<string, unknown>>;
type Faults = FieldFault[];

/** Nesting of a schema at most; deeper ones are refused, so that every walk over schemas and objects is bounded. */
const DEEPEST = 128;

/** Keywords of JSON schema that structural schemas do not have. */
const NEVER = ['$ref', '$schema', 'id', 'definitions', 'dependencies', 'patternProperties', 'additionalItems'];

/** Keywords that say what a field is; they must stand outside of allOf, anyOf, oneOf and not. */
const STRUCTURE = ['description', 'type', 'default', 'additionalProperties', 'nullable', 'title'];

const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
const SCALARS = new Set<unknown>(['string', 'integer', 'number', 'boolean']);
const JUNCTORS = ['allOf', 'anyOf', 'oneOf'] as const;

/** Where a node stands. */
interface Place {
  readonly path: string;
  readonly depth: number;
  /** The whole object, or an embedded one: its `metadata` is special. */
  readonly resource: boolean;
  /** True inside of a list whose items have no identity: there is no old value to compare with. */
  readonly uncorrelated: boolean;
}

const isIntOrString = (raw: Raw): boolean => raw['x-kubernetes-int-or-string'] === true;
const keepsUnknown = (raw: Raw): boolean => raw['x-kubernetes-preserve-unknown-fields'] === true;

const checkType = (raw: Raw, { path, depth }: Place, faults: Faults): void => {
  const { type } = raw;
  if (isIntOrString(raw)) {
    if (type !== undefined && type !== '')
      faults.push(forbidden(join(path, 'type'), 'must be empty if x-kubernetes-int-or-string is true'));
  } else if (type === undefined || type === '') {
    if (!keepsUnknown(raw) || depth === 0)
      faults.push(required(join(path, 'type'), 'must not be empty for specified object fields'));
  } else if (!TYPES.includes(text(type))) faults.push(notSupported(join(path, 'type'), type, TYPES));
  if (depth === 0 && type !== undefined && type !== 'object')
    faults.push(invalid(join(path, 'type'), type, 'must be object at the root'));
};

const checkShape = (raw: Raw, { path }: Place, faults: Faults): void => {
  for (const keyword of NEVER)
    if (raw[keyword] !== undefined) faults.push(forbidden(join(path, keyword), `${keyword} is not supported`));
  if (raw.uniqueItems === true)
    faults.push(
      forbidden(
        join(path, 'uniqueItems'),
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (Array.isArray(raw.items))
    faults.push(forbidden(join(path, 'items'), 'items must be a schema object and not an array'));
  if (raw.type === 'array' && !isRecord(raw.items)) faults.push(required(join(path, 'items'), 'must be specified'));
  if (raw.additionalProperties === false)
    faults.push(forbidden(join(path, 'additionalProperties'), 'must not be used as boolean false'));
  if (raw.additionalProperties !== undefined && Object.keys(record(raw.properties)).length > 0)
    faults.push(
      forbidden(join(path, 'additionalProperties'), 'additionalProperties and properties are mutually exclusive'),
    );
  if (typeof raw.pattern === 'string' && compilePattern(raw.pattern) === undefined)
    faults.push(invalid(join(path, 'pattern'), raw.pattern, 'must be a valid regular expression'));
};

const checkMarkers = (raw: Raw, { path }: Place, faults: Faults): void => {
  const listType = raw['x-kubernetes-list-type'];
  const keys = raw['x-kubernetes-list-map-keys'];
  if (listType !== undefined) {
    const here = join(path, 'x-kubernetes-list-type');
    if (raw.type !== 'array')
      faults.push(invalid(join(path, 'type'), raw.type, 'must be array if x-kubernetes-list-type is specified'));
    if (!['atomic', 'set', 'map'].includes(text(listType)))
      faults.push(notSupported(here, listType, ['atomic', 'set', 'map']));
  }
  if (listType === 'map') checkMapList(raw, path, faults);
  else if (keys !== undefined)
    faults.push(
      forbidden(join(path, 'x-kubernetes-list-map-keys'), 'must be empty if x-kubernetes-list-type is not map'),
    );
  if (listType === 'set') checkSet(record(raw.items), join(path, 'items'), faults);
  const mapType = raw['x-kubernetes-map-type'];
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    faults.push(notSupported(join(path, 'x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  if (mapType !== undefined && raw.type !== 'object')
    faults.push(invalid(join(path, 'type'), raw.type, 'must be object if x-kubernetes-map-type is specified'));
  if (keepsUnknown(raw) && raw.type !== undefined && raw.type !== 'object' && raw.type !== 'array')
    faults.push(invalid(join(path, 'x-kubernetes-preserve-unknown-fields'), true, 'must be object or array'));
  if (raw['x-kubernetes-preserve-unknown-fields'] === false)
    faults.push(invalid(join(path, 'x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  if (raw['x-kubernetes-embedded-resource'] === true) {
    if (raw.type !== 'object')
      faults.push(invalid(join(path, 'type'), raw.type, 'must be object if x-kubernetes-embedded-resource is true'));
    if (!keepsUnknown(raw) && Object.keys(record(raw.properties)).length === 0)
      faults.push(
        required(
          join(path, 'properties'),
          'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
        ),
      );
  }
};

const checkMapList = (raw: Raw, path: string, faults: Faults): void => {
  const here = join(path, 'x-kubernetes-list-map-keys');
  const keys = texts(raw['x-kubernetes-list-map-keys']);
  if (keys.length === 0) faults.push(required(here, 'must not be empty if x-kubernetes-list-type is map'));
  const items = record(raw.items);
  const properties = record(items.properties);
  if (items.type !== 'object')
    faults.push(
      invalid(join(path, 'items.type'), items.type, 'must be object if parent array has x-kubernetes-list-type map'),
    );
  for (const [index, key] of keys.entries()) {
    const property = record(properties[key]);
    if (properties[key] === undefined) faults.push(invalid(item(here, index), key, 'must be a property of items'));
    else if (!SCALARS.has(property.type) && !isIntOrString(property))
      faults.push(invalid(item(here, index), key, 'must be a scalar property of items'));
    else if (property.default === undefined && !texts(items.required).includes(key))
      faults.push(
        required(
          join(join(path, 'items.properties'), `${key}.default`),
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    if (keys.indexOf(key) !== index) faults.push(invalid(item(here, index), key, 'must not be there twice'));
  }
};

const checkSet = (items: Raw, path: string, faults: Faults): void => {
  if (items.nullable === true)
    faults.push(forbidden(join(path, 'nullable'), 'cannot be nullable when x-kubernetes-list-type is set'));
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    faults.push(
      invalid(
        join(path, 'x-kubernetes-map-type'),
        items['x-kubernetes-map-type'],
        'must be atomic as item of a list with x-kubernetes-list-type=set',
      ),
    );
  if (items.type === 'array' && !['atomic', undefined].includes(items['x-kubernetes-list-type'] as string | undefined))
    faults.push(
      invalid(
        join(path, 'x-kubernetes-list-type'),
        items['x-kubernetes-list-type'],
        'must be atomic as item of a list with x-kubernetes-list-type=set',
      ),
    );
};

const checkMetadata = (raw: Raw, path: string, faults: Faults): void => {
  const metadata = record(raw.properties).metadata;
  if (!isRecord(metadata)) return;
  const here = join(path, 'properties.metadata');
  if (metadata.type !== 'object') faults.push(invalid(join(here, 'type'), metadata.type, 'must be object'));
  for (const keyword of Object.keys(metadata))
    if (!['type', 'properties', 'description', 'x-kubernetes-validations'].includes(keyword))
      faults.push(
        forbidden(
          join(here, keyword),
          'metadata is implicitly specified: only name and generateName may be restricted',
        ),
      );
  for (const name of Object.keys(record(metadata.properties)))
    if (name !== 'name' && name !== 'generateName')
      faults.push(
        forbidden(
          join(here, `properties[${name}]`),
          'metadata is implicitly specified: only name and generateName may be restricted',
        ),
      );
};

const checkDefault = (raw: Raw, { path, resource }: Place, faults: Faults): void => {
  const value = raw.default;
  if (value === undefined || value === null) return;
  const here = join(path, 'default');
  if (resource) {
    faults.push(forbidden(here, 'must not be set at the root'));
    return;
  }
  const schema = readSchema(raw);
  if (!sameJson(pruneValue(schema, value), value)) faults.push(invalid(here, value, 'must not have unknown fields'));
  faults.push(...validateValue(schema, value, here));
};

/** Value rules inside of a junctor: they may narrow fields, not say what they are. */
const checkNarrowing = (raw: unknown, path: string, depth: number, inAnyOf: boolean, faults: Faults): void => {
  const node = record(raw);
  if (depth > DEEPEST) return;
  for (const keyword of STRUCTURE)
    if (node[keyword] !== undefined && !(keyword === 'type' && inAnyOf))
      faults.push(forbidden(join(path, keyword), 'must be empty to be structural'));
  for (const keyword of Object.keys(node))
    if (keyword.startsWith('x-kubernetes-') && keyword !== 'x-kubernetes-validations')
      faults.push(forbidden(join(path, keyword), 'must be empty to be structural'));
  if (typeof node.pattern === 'string' && compilePattern(node.pattern) === undefined)
    faults.push(invalid(join(path, 'pattern'), node.pattern, 'must be a valid regular expression'));
  for (const [name, child] of Object.entries(record(node.properties)))
    checkNarrowing(child, join(path, `properties[${name}]`), depth + 1, false, faults);
  if (isRecord(node.items)) checkNarrowing(node.items, join(path, 'items'), depth + 1, false, faults);
  if (isRecord(node.not)) checkNarrowing(node.not, join(path, 'not'), depth + 1, inAnyOf, faults);
  for (const keyword of JUNCTORS)
    for (const [index, child] of list(node[keyword]).entries())
      checkNarrowing(child, item(join(path, keyword), index), depth + 1, inAnyOf, faults);
};

const checkJunctors = (raw: Raw, { path, depth }: Place, faults: Faults): void => {
  const free = isIntOrString(raw);
  for (const keyword of JUNCTORS)
    for (const [index, child] of list(raw[keyword]).entries())
      checkNarrowing(child, item(join(path, keyword), index), depth + 1, free, faults);
  if (isRecord(raw.not)) checkNarrowing(raw.not, join(path, 'not'), depth + 1, free, faults);
};

const checkChildren = (raw: Raw, place: Place, faults: Faults): void => {
  const below = (path: string, uncorrelated = place.uncorrelated): Place => ({
    path: join(place.path, path),
    depth: place.depth + 1,
    resource: false,
    uncorrelated,
  });
  for (const [name, child] of Object.entries(record(raw.properties))) {
    if (place.resource && (name === 'metadata' || name === 'apiVersion' || name === 'kind')) continue;
    checkNode(record(child), below(`properties[${name}]`), faults);
  }
  if (isRecord(raw.items))
    checkNode(raw.items, below('items', place.uncorrelated || raw['x-kubernetes-list-type'] !== 'map'), faults);
  if (isRecord(raw.additionalProperties)) checkNode(raw.additionalProperties, below('additionalProperties'), faults);
};

const checkNode = (raw: Raw, place: Place, faults: Faults): void => {
  if (place.depth > DEEPEST) {
    faults.push(forbidden(place.path, `schemas may be nested ${DEEPEST} levels deep`));
    return;
  }
  const resource = place.resource || raw['x-kubernetes-embedded-resource'] === true;
  checkType(raw, place, faults);
  checkShape(raw, place, faults);
  checkMarkers(raw, place, faults);
  if (resource) checkMetadata(raw, place.path, faults);
  checkJunctors(raw, place, faults);
  if (faults.length === 0) checkDefault(raw, place, faults);
  faults.push(...ruleFaults(raw, place.path, place.uncorrelated));
  checkChildren(raw, { ...place, resource }, faults);
};

/**
 * What keeps a schema from being structural
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema),
 * defaults and rules that could not work included. `path` is where the schema stands.
 */
export const schemaFaults = (schema: Raw, path: string): readonly FieldFault[] => {
  const faults: Faults = [];
  checkNode(schema, { path, depth: 0, resource: true, uncorrelated: false }, faults);
  return faults.slice(0, 50);
};
