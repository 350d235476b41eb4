import { isIP, isIPv4, SocketAddress } from 'node:net';
import { isCidr } from '../../schema/formats.ts';

/** An address of CEL. */
export class IpValue {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A block of addresses of CEL. */
export class CidrValue {
  readonly address: string;
  readonly bits: number;
  constructor(address: string, bits: number) {
    this.address = address;
    this.bits = bits;
  }
}

/** True for an address without a zone that is no IPv4 address in the clothes of IPv6, which Kubernetes refuses. */
export const isPlainIp = (text: string): boolean =>
  isIP(text) !== 0 && !text.includes('%') && !/^::ffff:\d+\./i.test(text);

/** Reads an address. Throws Error. */
export const readIp = (text: string): IpValue => {
  if (!isPlainIp(text)) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new IpValue(text);
};

/** Reads a block such as `10.0.0.0/8`. Throws Error. */
export const readCidr = (text: string): CidrValue => {
  if (!isCidr(text))
    throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
  const [address = '', bits = ''] = text.split('/');
  return new CidrValue(address, Number(bits));
};

const widthOf = (address: string): number => (isIPv4(address) ? 32 : 128);

/** The one way to write an address (RFC 5952). */
export const canonicalIp = (text: string): string =>
  new SocketAddress({ address: text, family: isIPv4(text) ? 'ipv4' : 'ipv6' }).address;

const fromParts = (parts: readonly string[], radix: 10 | 16): bigint =>
  parts.reduce((sum, part) => (sum << (radix === 10 ? 8n : 16n)) | BigInt(Number.parseInt(part, radix)), 0n);

/** Groups of one half of an IPv6 address; an IPv4 tail counts as two. */
const groupsOf = (half: string): readonly string[] =>
  half === ''
    ? []
    : half.split(':').flatMap((group) => {
        if (!group.includes('.')) return [group];
        const value = fromParts(group.split('.'), 10);
        return [(value >> 16n).toString(16), (value & 0xffffn).toString(16)];
      });

/** An address as a number. */
const numberFrom = (address: string): bigint => {
  if (isIPv4(address)) return fromParts(address.split('.'), 10);
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0');
  return fromParts([...before, ...zeros, ...after], 16);
};

const writeValue = (value: bigint, width: number): string => {
  const size = width === 32 ? 8n : 16n;
  const groups = Array.from(
    { length: width / Number(size) },
    (_, index) => (value >> (BigInt(index) * size)) & ((1n << size) - 1n),
  ).reverse();
  return width === 32 ? groups.join('.') : canonicalIp(groups.map((group) => group.toString(16)).join(':'));
};

const prefixOf = ({ address, bits }: CidrValue): bigint => numberFrom(address) >> BigInt(widthOf(address) - bits);

/** True when an address is in a block of its own family. */
export const containsIp = (block: CidrValue, address: string): boolean =>
  widthOf(block.address) === widthOf(address) && prefixOf(block) === prefixOf(new CidrValue(address, block.bits));

/** True when a block is in another, or the same. */
export const containsCidr = (block: CidrValue, inner: CidrValue): boolean =>
  inner.bits >= block.bits && containsIp(block, inner.address);

/** The block with every bit behind its prefix 0. */
export const maskedCidr = (block: CidrValue): CidrValue => {
  const width = widthOf(block.address);
  return new CidrValue(writeValue(prefixOf(block) << BigInt(width - block.bits), width), block.bits);
};

/** A test of addresses against blocks. */
export const inBlocks = (...blocks: readonly string[]): ((ip: IpValue) => boolean) => {
  const parsed = blocks.map(readCidr);
  return ({ text }) => parsed.some((block) => containsIp(block, text));
};
