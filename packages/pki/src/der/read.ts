import { PkiError } from '../errors.ts';
import { TAG } from './write.ts';

/** One element of a DER text. The arrays are views into the input. */
export interface DerElement {
  /** Identifier octet, with class and constructed bit. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** The whole element, with tag and length. */
  readonly raw: Uint8Array;
}

const wrong = (what: string): PkiError => new PkiError('InvalidDer', `invalid DER: ${what}`);

/**
 * The element at an offset. Only what DER allows is read: definite lengths in their shortest form, tag numbers below
 * 31, nothing that reaches beyond the input. Throws PkiError `InvalidDer` for the rest.
 */
export function readElement(bytes: Uint8Array, offset = 0): DerElement {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw wrong('an element is cut off');
  if ((tag & 0x1f) === 0x1f) throw wrong('a tag number above 30');
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) throw wrong('an indefinite or oversized length');
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? Number.NaN);
    if (Number.isNaN(length)) throw wrong('a length is cut off');
    if (length < 0x80 || length < 256 ** (octets - 1)) throw wrong('a length is not in its shortest form');
    start += octets;
  }
  if (start + length > bytes.length) throw wrong('an element reaches beyond its container');
  return { tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(offset, start + length) };
}

/** The one element that makes up the whole input. Throws when there is more, or when its tag is another. */
export function readOnly(bytes: Uint8Array, tag: number): DerElement {
  const only = readElement(bytes);
  if (only.raw.length !== bytes.length) throw wrong('bytes follow the last element');
  return expectTag(only, tag);
}

/** The elements that a constructed element holds, in order. */
export function readChildren(parent: DerElement): readonly DerElement[] {
  if ((parent.tag & 0x20) === 0) throw wrong('a primitive element stands where a constructed one must');
  const out: DerElement[] = [];
  for (let at = 0; at < parent.content.length; ) {
    const child = readElement(parent.content, at);
    out.push(child);
    at += child.raw.length;
  }
  return out;
}

/** The element itself when it is there and has the tag; throws otherwise. */
export function expectTag(found: DerElement | undefined, tag: number): DerElement {
  if (found?.tag !== tag) {
    throw wrong(
      `tag ${found === undefined ? 'missing' : `0x${found.tag.toString(16)}`}, expected 0x${tag.toString(16)}`,
    );
  }
  return found;
}

/** Dotted form of an OBJECT IDENTIFIER. */
export function readOid(found: DerElement | undefined): string {
  const { content } = expectTag(found, TAG.oid);
  const arcs: number[] = [];
  let arc = 0;
  let begun = false;
  for (const octet of content) {
    if (!begun && octet === 0x80) throw wrong('an object identifier with padding');
    arc = arc * 128 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) throw wrong('an object identifier with an oversized arc');
    begun = (octet & 0x80) !== 0;
    if (begun) continue;
    arcs.push(arc);
    arc = 0;
  }
  const head = arcs[0];
  if (begun || head === undefined) throw wrong('an object identifier is cut off');
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...arcs.slice(1)].join('.');
}

/** Big-endian magnitude of an INTEGER that is not negative, without the leading zero. */
export function readUnsigned(found: DerElement | undefined): Uint8Array {
  const { content } = expectTag(found, TAG.integer);
  const [first, second = 0] = content;
  if (first === undefined || (first & 0x80) !== 0) throw wrong('an empty or negative integer');
  if (first === 0 && content.length > 1 && (second & 0x80) === 0) throw wrong('an integer with padding');
  return first === 0 && content.length > 1 ? content.subarray(1) : content;
}

/** BOOLEAN; DER knows 0x00 and 0xff only. */
export function readBoolean(found: DerElement | undefined): boolean {
  const { content } = expectTag(found, TAG.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw wrong('a boolean that is none');
  return content[0] === 0xff;
}

/** Content of a BIT STRING of whole octets. */
export function readBitString(found: DerElement | undefined): Uint8Array {
  const { content } = expectTag(found, TAG.bitString);
  if (content[0] !== 0) throw wrong('a bit string that is not of whole octets');
  return content.subarray(1);
}

/** UTCTime or GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows: seconds, UTC, no fraction. */
export function readTime(found: DerElement | undefined): Date {
  const text = Buffer.from(found?.content ?? []).toString('latin1');
  const pattern = found?.tag === TAG.utcTime ? /^\d{12}Z$/ : found?.tag === TAG.generalizedTime ? /^\d{14}Z$/ : /$^/;
  if (!pattern.test(text)) throw wrong('a time in a form that certificates must not use');
  const full = text.length === 15 ? text : `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`;
  const date = new Date(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(date.getTime())) throw wrong('a time that does not exist');
  return date;
}

/** Text of a UTF8String, PrintableString or IA5String; other string types are not read and give undefined. */
export function readText(found: DerElement | undefined): string | undefined {
  if (found === undefined) return undefined;
  if (found.tag === TAG.utf8String) return Buffer.from(found.content).toString('utf8');
  if (found.tag === TAG.printableString || found.tag === TAG.ia5String) {
    return Buffer.from(found.content).toString('latin1');
  }
  return undefined;
}
