import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';

/**
 * One step of a path in the notation of `fieldsV1`: `f:NAME` a field, `k:{…}` an item of a keyed list, `v:…` an item of a set
 * (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/#System, FieldsV1).
 */
export type PathElement = string;

/** Keys that Kubernetes fills in when they are absent, although the published schema does not say so. */
const KEY_DEFAULTS: ReadonlyMap<string, string> = new Map([['protocol', 'TCP']]);

/** The element of a field. */
export const fieldElement = (name: string): PathElement => `f:${name}`;

/** The element of an item of a set. */
export const valueElement = (value: unknown): PathElement => `v:${JSON.stringify(value)}`;

/** The element of an item of a keyed list, `undefined` when the item has none of the keys. `keys` are sorted. */
export const keyElement = (keys: readonly string[], items: TypeSchema, item: unknown): PathElement | undefined => {
  if (!isRecord(item)) return undefined;
  let text = '';
  for (const key of keys) {
    const value = item[key] ?? items.properties?.get(key)?.default ?? KEY_DEFAULTS.get(key);
    if (value === undefined || value === null || typeof value === 'object') continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  return text === '' ? undefined : `k:{${text}}`;
};

/** True for the notation of an element; `.` marks the node itself and is none. */
export const isPathElement = (text: string): boolean => {
  const value = text.slice(2);
  switch (text.slice(0, 2)) {
    case 'f:':
      return true;
    case 'k:':
      return isRecord(parse(value));
    case 'v:':
      return parse(value) !== undefined;
    case 'i:':
      return /^\d{1,9}$/.test(value);
    default:
      return false;
  }
};

/** The element as people read it: `.name`, `[name="main"]`, `[="value"]`. */
export const elementText = (element: PathElement): string => {
  const value = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${value}`;
    case 'k:': {
      const pairs = Object.entries(parse(value) ?? {}).map(([key, item]) => `${key}=${JSON.stringify(item)}`);
      return `[${pairs.join(',')}]`;
    }
    case 'v:':
      return `[=${value}]`;
    default:
      return `[${value}]`;
  }
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
