import { isRecord, sameJson, text } from '../store/fields.ts';
import type { FieldFault, TypeSchema } from '../types.ts';
import {
  duplicate,
  item,
  join,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
  invalid as wrong,
} from './fault.ts';
import { hasFormat } from './formats.ts';
import { OBJECT_META } from './object-meta.ts';
import { compilePattern } from './pattern.ts';
import { readSchema } from './structural.ts';

/** Faults that are told at most; one is enough to refuse an object. */
const MOST = 50;

type Faults = FieldFault[];

/** The JSON type of a value, in the words of schemas. */
const typeName = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
};

const hasType = (schema: TypeSchema, value: unknown): boolean => {
  if (schema.intOrString === true) return typeof value === 'string' || Number.isInteger(value);
  if (schema.openapi.format === 'quantity') return typeof value === 'string' || typeof value === 'number';
  if (schema.type === undefined) return true;
  const found = typeName(value);
  return found === schema.type || (schema.type === 'number' && found === 'integer');
};

const expected = (schema: TypeSchema): string => {
  if (schema.intOrString === true) return 'integer or string';
  return schema.openapi.format === 'quantity' ? 'string' : (schema.type ?? 'string');
};

const inBody = (path: string): string => (path === '' ? 'value in body' : `${path} in body`);

const wrongType = (path: string, value: unknown, type: string): FieldFault =>
  typeInvalid(path, typeName(value), `${inBody(path)} must be of type ${type}: ${JSON.stringify(typeName(value))}`);

const limit = (schema: TypeSchema, name: string): number | undefined => {
  const value = schema.openapi[name];
  return typeof value === 'number' ? value : undefined;
};

const characters = (value: string): number => [...value].length;

const checkString = (schema: TypeSchema, value: string, path: string, faults: Faults): void => {
  const { format, pattern } = schema.openapi;
  if (!hasFormat(format, value))
    faults.push(
      format === 'quantity'
        ? wrong(
            path,
            value,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
          )
        : wrong(path, value, `${inBody(path)} must be of type ${String(format)}: ${JSON.stringify(value)}`),
    );
  const longest = limit(schema, 'maxLength');
  if (longest !== undefined && value.length > longest && characters(value) > longest)
    faults.push(tooLong(path, longest));
  const shortest = limit(schema, 'minLength');
  if (shortest !== undefined && characters(value) < shortest)
    faults.push(wrong(path, value, `${inBody(path)} should be at least ${shortest} chars long`));
  if (typeof pattern === 'string' && compilePattern(pattern)?.test(value) === false)
    faults.push(wrong(path, value, `${inBody(path)} should match '${pattern}'`));
};

/** `multipleOf` without the rounding of binary fractions: 0.3 is a multiple of 0.1. */
const isMultiple = (value: number, step: number): boolean => {
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
};

const checkNumber = (schema: TypeSchema, value: number, path: string, faults: Faults): void => {
  const { format, exclusiveMaximum, exclusiveMinimum } = schema.openapi;
  if (!hasFormat(format, value))
    faults.push(wrong(path, value, `${inBody(path)} must be of type ${text(format)}: ${value}`));
  const most = limit(schema, 'maximum');
  if (most !== undefined && (exclusiveMaximum === true ? value >= most : value > most))
    faults.push(
      wrong(
        path,
        value,
        `${inBody(path)} should be less than ${exclusiveMaximum === true ? '' : 'or equal to '}${most}`,
      ),
    );
  const least = limit(schema, 'minimum');
  if (least !== undefined && (exclusiveMinimum === true ? value <= least : value < least))
    faults.push(
      wrong(
        path,
        value,
        `${inBody(path)} should be greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${least}`,
      ),
    );
  const step = limit(schema, 'multipleOf');
  if (step !== undefined && step > 0 && !isMultiple(value, step))
    faults.push(wrong(path, value, `${inBody(path)} should be a multiple of ${step}`));
};

/** What makes an item of a list unique: the item itself in a set, its keys in a map. */
const identityOf = (schema: TypeSchema, value: unknown): unknown => {
  if (schema.listType === 'set') return value;
  if (!isRecord(value)) return undefined;
  const keys = (schema.listMapKeys ?? []).map((key) => [
    key,
    value[key] ?? schema.items?.properties?.get(key)?.default,
  ]);
  return Object.fromEntries(keys);
};

const checkUnique = (schema: TypeSchema, value: readonly unknown[], path: string, faults: Faults): void => {
  // Lists of built-in kinds have rules of their own; the markers of CRDs stand in `openapi`.
  const listType = schema.openapi['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return;
  const seen = new Set<string>();
  for (const [index, child] of value.entries()) {
    const identity = identityOf(schema, child);
    if (identity === undefined) continue;
    const key = stable(identity);
    if (seen.has(key)) faults.push(duplicate(item(path, index), identity));
    seen.add(key);
  }
};

/** JSON with sorted keys, so that equal values give equal texts. */
const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, child: unknown) =>
    isRecord(child) ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1))) : child,
  ) ?? 'undefined';

const checkArray = (schema: TypeSchema, value: readonly unknown[], path: string, faults: Faults): void => {
  const most = limit(schema, 'maxItems');
  if (most !== undefined && value.length > most) {
    faults.push(tooMany(path, value.length, most));
    return;
  }
  const least = limit(schema, 'minItems');
  if (least !== undefined && value.length < least)
    faults.push(wrong(path, value.length, `${inBody(path)} should have at least ${least} items`));
  if (schema.openapi.uniqueItems === true && new Set(value.map(stable)).size < value.length)
    faults.push(wrong(path, value, `${inBody(path)} shouldn't contain duplicates`));
  const { items } = schema;
  if (items !== undefined) for (const [index, child] of value.entries()) check(items, child, item(path, index), faults);
  checkUnique(schema, value, path, faults);
};

const checkEmbedded = (value: Record<string, unknown>, path: string, faults: Faults): void => {
  for (const name of ['apiVersion', 'kind']) {
    const given = value[name];
    if (given === undefined || given === '') faults.push(required(join(path, name), 'must not be empty'));
    else if (typeof given !== 'string') faults.push(wrongType(join(path, name), given, 'string'));
  }
  if (value.metadata !== undefined) check(OBJECT_META, value.metadata, join(path, 'metadata'), faults);
};

const checkObject = (schema: TypeSchema, value: Record<string, unknown>, path: string, faults: Faults): void => {
  for (const name of schema.required ?? [])
    if (!Object.hasOwn(value, name) || value[name] === undefined) faults.push(required(join(path, name)));
  const names = Object.keys(value);
  const most = limit(schema, 'maxProperties');
  if (most !== undefined && names.length > most) faults.push(tooMany(path, names.length, most));
  const least = limit(schema, 'minProperties');
  if (least !== undefined && names.length < least)
    faults.push(wrong(path, names.length, `${inBody(path)} should have at least ${least} properties`));
  if (schema.embeddedResource === true) checkEmbedded(value, path, faults);
  const { properties, additionalProperties } = schema;
  for (const name of names) {
    const known = properties?.get(name) ?? (additionalProperties === true ? undefined : additionalProperties);
    if (known !== undefined) check(known, value[name], join(path, name), faults);
  }
};

const passes = (raw: unknown, value: unknown): boolean => {
  const faults: Faults = [];
  check(readSchema(raw), value, '', faults);
  return faults.length === 0;
};

const checkJunctors = (schema: TypeSchema, value: unknown, path: string, faults: Faults): void => {
  const { allOf, anyOf, oneOf, not } = schema.openapi;
  const where = path === '' ? '""' : `"${path}"`;
  if (Array.isArray(allOf)) for (const part of allOf) check(readSchema(part), value, path, faults);
  if (Array.isArray(anyOf) && !anyOf.some((part) => passes(part, value)))
    faults.push(wrong(path, value, `${where} must validate at least one schema (anyOf)`));
  if (Array.isArray(oneOf)) {
    const count = oneOf.filter((part) => passes(part, value)).length;
    if (count !== 1)
      faults.push(
        wrong(
          path,
          value,
          `${where} must validate one and only one schema (oneOf). ${count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`}`,
        ),
      );
  }
  if (isRecord(not) && passes(not, value))
    faults.push(wrong(path, value, `${where} must not validate the schema (not)`));
};

const check = (schema: TypeSchema, value: unknown, path: string, faults: Faults): void => {
  if (value === undefined || faults.length >= MOST) return;
  if (value === null && (schema.nullable === true || (schema.type === undefined && schema.intOrString !== true)))
    return;
  if (!hasType(schema, value)) {
    faults.push(wrongType(path, value, expected(schema)));
    return;
  }
  if (schema.enum !== undefined && !schema.enum.some((allowed) => sameJson(allowed, value)))
    faults.push(notSupported(path, value, schema.enum));
  if (typeof value === 'string') checkString(schema, value, path, faults);
  else if (typeof value === 'number') checkNumber(schema, value, path, faults);
  else if (Array.isArray(value)) checkArray(schema, value, path, faults);
  else if (isRecord(value)) checkObject(schema, value, path, faults);
  checkJunctors(schema, value, path, faults);
};

/**
 * Values that a schema does not allow, each with its path under `path` ('' for a whole object), at most about fifty: types,
 * required fields, enumerations, limits, patterns, formats, list sets and maps, `allOf`/`anyOf`/`oneOf`/`not`
 * (OpenAPI v3, https://spec.openapis.org/oas/v3.0.3#schema-object). Unknown fields are no fault.
 */
export const validateValue = (schema: TypeSchema, value: unknown, path: string): readonly FieldFault[] => {
  const faults: Faults = [];
  check(schema, value, path, faults);
  return faults;
};
