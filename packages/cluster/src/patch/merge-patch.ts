import { isRecord } from '../store/fields.ts';

/** A name that must never become a property: setting it would change the object's prototype. */
const PROTOTYPE = '__proto__';

/**
 * Applies a JSON merge patch (RFC 7386): objects are merged, `null` removes, everything else replaces. Parts that the patch does
 * not speak of are shared with `object`. A patch that is no object replaces the whole.
 */
export const applyMergePatch = (object: unknown, patch: unknown): object => {
  if (!isRecord(patch)) return patch as object;
  const result: Record<string, unknown> = isRecord(object) ? { ...object } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === PROTOTYPE) continue;
    if (value === null) delete result[key];
    else result[key] = isRecord(value) ? applyMergePatch(result[key], value) : value;
  }
  return result;
};
