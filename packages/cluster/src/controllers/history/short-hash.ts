import { isRecord } from '../../store/fields.ts';

const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .filter((key) => value[key] !== undefined && value[key] !== null)
      .sort()
      .map((key) => [key, canonical(value[key])]),
  );
};

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a, 32 bits (RFC 9923). */
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
};

/** A short name of any JSON value that does not depend on the order of its keys; `salt` gives another one. */
export const shortHash = (value: unknown, salt?: number): string =>
  [...String(fnv1a(`${JSON.stringify(canonical(value))}${salt ?? ''}`))]
    .map((digit) => ALPHABET[Number(digit)])
    .join('');
