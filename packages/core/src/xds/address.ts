import type { CidrRangeJson } from '@osm/envoy';

interface Address {
  readonly value: bigint;
  readonly bits: 32 | 128;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...before, ...Array<string>(missing).fill('0'), ...after];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function parse(text: string): Address | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return { value: ipv4, bits: 32 };
  const ipv6 = parseIpv6(text);
  return ipv6 === undefined ? undefined : { value: ipv6, bits: 128 };
}

function write({ value, bits }: Address): string {
  const width = bits === 32 ? 8n : 16n;
  const count = bits / Number(width);
  const groups = Array.from(
    { length: count },
    (_, i) => (value >> (width * BigInt(count - 1 - i))) & ((1n << width) - 1n),
  );
  return bits === 32 ? groups.join('.') : groups.map((group) => group.toString(16)).join(':');
}

/** A range of addresses, its bits past the prefix cleared, so that equal ranges look equal. */
export type AddressRange = CidrRangeJson & { readonly addressPrefix: string; readonly prefixLen: number };

/** Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address. Undefined for what is none. */
export function addressRange(cidr: string): AddressRange | undefined {
  const [text = '', length, ...more] = cidr.split('/');
  const address = parse(text);
  if (address === undefined || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const prefixLen = length === undefined ? address.bits : Number(length);
  if (prefixLen > address.bits) return undefined;
  const rest = BigInt(address.bits - prefixLen);
  return { addressPrefix: write({ ...address, value: (address.value >> rest) << rest }), prefixLen };
}

/** Reads ranges, leaving out what is none. */
export const addressRanges = (cidrs: readonly string[]): readonly AddressRange[] =>
  cidrs.flatMap((cidr) => addressRange(cidr) ?? []);

/** Whether every address of `inner` is in `outer`. */
export function containsRange(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.addressPrefix.includes(':') !== inner.addressPrefix.includes(':')) return false;
  if (inner.prefixLen < outer.prefixLen) return false;
  return addressRange(`${inner.addressPrefix}/${outer.prefixLen}`)?.addressPrefix === outer.addressPrefix;
}
