/**
 * Writes the part of DER that X.509 needs (ITU-T X.690). Every function returns one complete element: tag, length and
 * content.
 */

/** Tags of the universal types used here, with the constructed bit where it belongs. */
export const TAG = Object.freeze({
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const);

function lengthOctets(length: number): number {
  return length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 5;
}

/** One element with the given identifier octet; `parts` are joined to its content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const octets = lengthOctets(length);
  const out = new Uint8Array(1 + octets + length);
  out[0] = tag;
  if (octets === 1) out[1] = length;
  else {
    out[1] = 0x80 | (octets - 1);
    for (let i = octets, rest = length; i > 1; i--, rest >>>= 8) out[i] = rest & 0xff;
  }
  let at = 1 + octets;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** SEQUENCE of the parts in the given order. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...parts);
}

/** SET OF: DER orders the elements by their encodings (X.690 §11.6). */
export function setOf(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));
}

/** Constructed context-specific element `[number]`, which is EXPLICIT tagging of one inner element. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return element(0xa0 | number, ...parts);
}

/** Primitive context-specific element `[number]`, which is IMPLICIT tagging of a primitive type. */
export function implicit(number: number, content: Uint8Array): Uint8Array {
  return element(0x80 | number, content);
}

/** INTEGER of a number from 0 to 2^31 - 1. */
export function smallInteger(value: number): Uint8Array {
  return unsignedInteger(new Uint8Array([value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]));
}

/** INTEGER of the big-endian magnitude, never negative: a leading zero is added or removed as X.690 §8.3.2 demands. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const bytes = magnitude.subarray(start);
  if (bytes.length === 0) return element(TAG.integer, new Uint8Array(1));
  return ((bytes[0] ?? 0) & 0x80) === 0 ? element(TAG.integer, bytes) : element(TAG.integer, new Uint8Array(1), bytes);
}

/** BOOLEAN; DER writes true as 0xff. */
export function boolean(value: boolean): Uint8Array {
  return element(TAG.boolean, new Uint8Array([value ? 0xff : 0]));
}

/** NULL. */
export function nil(): Uint8Array {
  return element(TAG.null);
}

/** OCTET STRING. */
export function octetString(content: Uint8Array): Uint8Array {
  return element(TAG.octetString, content);
}

/** BIT STRING of whole octets. */
export function bitString(content: Uint8Array): Uint8Array {
  return element(TAG.bitString, new Uint8Array(1), content);
}

/** BIT STRING of named bits (X.690 §11.2.2: trailing zero bits are left out); bit 0 is the first. Bits are below 16. */
export function namedBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...bits);
  if (last < 0) return element(TAG.bitString, new Uint8Array(1));
  const out = new Uint8Array(2 + (last >> 3));
  out[0] = 7 - (last & 7);
  for (const bit of bits) out[1 + (bit >> 3)] = (out[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return element(TAG.bitString, out);
}

/** OBJECT IDENTIFIER of its dotted form. Throws a RangeError for what is none. */
export function oid(dotted: string): Uint8Array {
  const [first = Number.NaN, second = Number.NaN, ...rest] = dotted.split('.').map(Number);
  const arcs = [first * 40 + second, ...rest];
  const wrong =
    !(first <= 2) || (first < 2 && second > 39) || !arcs.every((arc) => Number.isSafeInteger(arc) && arc >= 0);
  if (wrong) throw new RangeError(`${dotted} is no object identifier`);
  const out: number[] = [];
  for (const arc of arcs) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80);
    out.push(...digits);
  }
  return element(TAG.oid, Uint8Array.from(out));
}

/** UTF8String. */
export function utf8String(text: string): Uint8Array {
  return element(TAG.utf8String, Buffer.from(text, 'utf8'));
}

/** PrintableString; the caller answers for its alphabet. */
export function printableString(text: string): Uint8Array {
  return element(TAG.printableString, Buffer.from(text, 'latin1'));
}

/**
 * Time as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime from 2050; whole seconds, UTC. Milliseconds
 * are cut off.
 */
export function time(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? element(TAG.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : element(TAG.generalizedTime, Buffer.from(digits, 'latin1'));
}
