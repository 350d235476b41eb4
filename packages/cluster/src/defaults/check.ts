import { duplicate, invalid, item, join, notSupported, required } from '../schema/fault.ts';
import { labelValue, type NameRule, portName, qualifiedName } from '../schema/names.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { isRecord, list, record, sameJson, text } from '../store/fields.ts';
import type { FieldFault } from '../types.ts';

/** What the checks of this room answer with. */
export type Faults = readonly FieldFault[];

/** No fault. */
export const NONE: Faults = Object.freeze([]);

/** An absent field is left alone by every check but {@link needed}. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

/** A field that must be there; '' and empty lists count as absent. */
export const needed = (path: string, value: unknown, why = ''): Faults =>
  isAbsent(value) || (Array.isArray(value) && value.length === 0) ? [required(path, why)] : NONE;

/** A text that follows the rule of a kind of names. */
export const named = (path: string, value: unknown, rule: NameRule): Faults => {
  if (isAbsent(value)) return NONE;
  const why = rule(text(value));
  return why === '' ? NONE : [invalid(path, value, why)];
};

/** A name that must be there and follow a rule. */
export const neededName = (path: string, value: unknown, rule: NameRule): Faults =>
  isAbsent(value) ? [required(path)] : named(path, value, rule);

/** One of the words that are allowed. */
export const oneOf = (path: string, value: unknown, supported: readonly string[]): Faults =>
  isAbsent(value) || supported.includes(text(value)) ? NONE : [notSupported(path, value, supported)];

/** A number that is not negative. */
export const notNegative = (path: string, value: unknown): Faults =>
  typeof value === 'number' && value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : NONE;

/** A number above zero. */
export const positive = (path: string, value: unknown): Faults =>
  typeof value === 'number' && value <= 0 ? [invalid(path, value, 'must be greater than 0')] : NONE;

/** A number in a range, both ends included. */
export const between = (path: string, value: unknown, least: number, most: number): Faults =>
  typeof value === 'number' && (value < least || value > most)
    ? [invalid(path, value, `must be between ${least} and ${most}, inclusive`)]
    : NONE;

/** A port by its number. */
export const portNumber = (path: string, value: unknown): Faults => between(path, value, 1, 65_535);

/** A port by number or by name. */
export const portReference = (path: string, value: unknown): Faults =>
  typeof value === 'string'
    ? value === ''
      ? [required(path)]
      : named(path, value, portName)
    : portNumber(path, value);

/** A field that never changes once it is set. */
export const immutable = (path: string, value: unknown, old: unknown): Faults =>
  sameJson(value, old) ? NONE : [invalid(path, value, 'field is immutable')];

/** Items of a list that repeat a field: each repetition is a fault at `path[index].field`. */
export const unique = (path: string, values: readonly unknown[], field: string): Faults => {
  const seen = new Set<unknown>();
  return values.flatMap((value, index) => {
    const key = record(value)[field];
    if (isAbsent(key)) return NONE;
    const repeated = seen.has(key);
    seen.add(key);
    return repeated ? [duplicate(join(item(path, index), field), key)] : NONE;
  });
};

/** A check of every item of a list. */
export const eachItem = (path: string, values: unknown, check: (value: unknown, path: string) => Faults): Faults =>
  list(values).flatMap((value, index) => check(value, item(path, index)));

/** A check of a part that is there. */
export const present = (
  path: string,
  value: unknown,
  check: (value: Readonly<Record<string, unknown>>, path: string) => Faults,
): Faults => (isRecord(value) ? check(value, path) : NONE);

/** A number of things, or a percentage of them (`25%`), neither negative. */
export const countOrPercent = (path: string, value: unknown): Faults => {
  if (typeof value === 'number') return notNegative(path, value);
  if (typeof value !== 'string') return NONE;
  return /^\d{1,9}%$/.test(value)
    ? NONE
    : [invalid(path, value, "a valid percent string must be a number followed by '%' (e.g. '1%', '93%')")];
};

/** True for zero things or zero per cent. */
export const isNothing = (value: unknown): boolean => value === undefined || value === 0 || value === '0%';

/** Labels: keys and values. */
export const labelFaults = (path: string, labels: unknown): Faults =>
  Object.entries(record(labels)).flatMap(([key, value]) => {
    const wrongKey = qualifiedName(key);
    const wrongValue = labelValue(text(value));
    return [
      ...(wrongKey === '' ? NONE : [invalid(path, key, wrongKey)]),
      ...(wrongValue === '' ? NONE : [invalid(path, value, wrongValue)]),
    ];
  });

/** Amounts of resources, none negative. */
export const amountFaults = (path: string, amounts: unknown): Faults =>
  Object.entries(record(amounts)).flatMap(([name, amount]) => {
    const quantity = parseQuantity(amount);
    const here = `${path}[${name}]`;
    const wrong = qualifiedName(name);
    return [
      ...(wrong === '' ? NONE : [invalid(here, name, wrong)]),
      ...(quantity !== undefined && quantity.nanos < 0n
        ? [invalid(here, amount, 'must be greater than or equal to 0')]
        : NONE),
    ];
  });

/** Names of the fields of an object that are set, of those in `names`. */
export const setFields = (value: unknown, names: readonly string[]): readonly string[] =>
  names.filter((name) => record(value)[name] !== undefined && record(value)[name] !== null);
