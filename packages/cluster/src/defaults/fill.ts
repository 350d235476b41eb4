import { isRecord, list } from '../store/fields.ts';

/** A change of a value of JSON; parts that do not change stay the same objects. */
export type Fill = (value: unknown) => unknown;

const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Sets the fields that are absent, null or empty; a value that is no object is left alone. */
export const fill = (defaults: Readonly<Record<string, unknown>>): Fill => {
  const names = Object.keys(defaults);
  return (value) => {
    if (!isRecord(value)) return value;
    const missing = names.filter((name) => isAbsent(value[name]));
    if (missing.length === 0) return value;
    return { ...value, ...Object.fromEntries(missing.map((name) => [name, defaults[name]])) };
  };
};

/** Changes a field when it is there. */
export const within = (name: string, change: Fill): Fill => {
  return (value) => {
    if (!isRecord(value) || isAbsent(value[name])) return value;
    const next = change(value[name]);
    return next === value[name] ? value : { ...value, [name]: next };
  };
};

/** Changes every item of a list field. */
export const each = (name: string, change: Fill): Fill =>
  within(name, (value) => {
    if (!Array.isArray(value)) return value;
    const next = value.map(change);
    return next.every((child, index) => child === value[index]) ? value : next;
  });

/** One change after the other. */
export const all = (...changes: readonly Fill[]): Fill => {
  return (value) => {
    let result = value;
    for (const change of changes) result = change(result);
    return result;
  };
};

/** A change of objects that looks at their fields; `undefined` fields in the answer are left out. */
export const derive = (
  make: (fields: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Fill => {
  return (value) => {
    if (!isRecord(value)) return value;
    const wanted = Object.entries(make(value)).filter(([name, given]) => given !== undefined && value[name] !== given);
    return wanted.length === 0 ? value : { ...value, ...Object.fromEntries(wanted) };
  };
};

/** True when a list field has items. */
export const hasItems = (value: unknown): boolean => list(value).length > 0;
