import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import { isCidr } from '../../schema/formats.ts';

/** An address of CEL. */
class IpValue {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A block of addresses of CEL. */
class CidrValue {
  readonly address: string;
  readonly bits: number;
  constructor(address: string, bits: number) {
    this.address = address;
    this.bits = bits;
  }
}

/** A URL of CEL; an absolute path is one too. */
class UrlValue {
  readonly url: URL;
  readonly relative: boolean;
  constructor(url: URL, relative: boolean) {
    this.url = url;
    this.relative = relative;
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6');

/** Zones and IPv4 inside of IPv6 are refused, as Kubernetes refuses them. */
const isPlainIp = (text: string): boolean => isIP(text) !== 0 && !text.includes('%') && !/^::ffff:\d+\./i.test(text);

const readIp = (text: string): IpValue => {
  if (!isPlainIp(text)) throw new Error(`IP Address ${JSON.stringify(text)} parse error`);
  return new IpValue(text);
};

const canonical = (text: string): string => new SocketAddress({ address: text, family: familyOf(text) }).address;

const readCidr = (text: string): CidrValue => {
  if (!isCidr(text))
    throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
  const [address = '', bits = ''] = text.split('/');
  return new CidrValue(address, Number(bits));
};

const blockOf = ({ address, bits }: CidrValue): BlockList => {
  const block = new BlockList();
  block.addSubnet(address, bits, familyOf(address));
  return block;
};

const within = (block: CidrValue, address: string): boolean =>
  familyOf(block.address) === familyOf(address) && blockOf(block).check(address, familyOf(address));

const range = (...blocks: readonly string[]): ((ip: IpValue) => boolean) => {
  const parsed = blocks.map(readCidr);
  return ({ text }) => parsed.some((block) => within(block, text));
};

const isLoopback = range('127.0.0.0/8', '::1/128');
const isUnspecified = range('0.0.0.0/32', '::/128');
const isLinkLocalMulticast = range('224.0.0.0/24', 'ff02::/16');
const isLinkLocalUnicast = range('169.254.0.0/16', 'fe80::/10');
const isMulticast = range('224.0.0.0/4', 'ff00::/8');

const isGlobalUnicast = (ip: IpValue): boolean =>
  !isLoopback(ip) && !isUnspecified(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip) && ip.text !== '255.255.255.255';

/** The network address of a block: every bit behind the prefix is 0. */
const masked = ({ address, bits }: CidrValue): CidrValue => {
  const block = new BlockList();
  block.addSubnet(address, bits, familyOf(address));
  // A rule reads as "Subnet: IPv4 10.0.0.0/8": node:net has masked the address.
  const text = /(\S+)\/\d+$/.exec(block.rules[0] ?? '')?.[1];
  return new CidrValue(text ?? address, bits);
};

const readUrl = (text: string): UrlValue => {
  if (text.startsWith('/') && URL.canParse(text, 'http://relative.invalid'))
    return new UrlValue(new URL(text, 'http://relative.invalid'), true);
  if (!URL.canParse(text) || !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text))
    throw new Error(`URL parse error during conversion from string: ${JSON.stringify(text)}`);
  return new UrlValue(new URL(text), false);
};

const succeeds = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch {
    return false;
  }
};

const queryOf = ({ url }: UrlValue): Record<string, string[]> => {
  const query: Record<string, string[]> = {};
  for (const key of new Set(url.searchParams.keys())) query[key] = url.searchParams.getAll(key);
  return query;
};

const registerIp = (environment: Environment): void => {
  class IpLibrary {}
  environment
    .registerType('net.IP', IpValue)
    .registerFunction('ip(string): net.IP', readIp)
    .registerFunction('isIP(string): bool', isPlainIp)
    .registerFunction('net.IP.family(): int', ({ text }: IpValue) => (isIPv4(text) ? 4n : 6n))
    .registerFunction('net.IP.isLoopback(): bool', isLoopback)
    .registerFunction('net.IP.isUnspecified(): bool', isUnspecified)
    .registerFunction('net.IP.isLinkLocalMulticast(): bool', isLinkLocalMulticast)
    .registerFunction('net.IP.isLinkLocalUnicast(): bool', isLinkLocalUnicast)
    .registerFunction('net.IP.isGlobalUnicast(): bool', isGlobalUnicast)
    .registerFunction('string(net.IP): string', ({ text }: IpValue) => canonical(text))
    .registerOperator(
      'net.IP == net.IP',
      (left: IpValue, right: IpValue) => canonical(left.text) === canonical(right.text),
    )
    .registerType('IpLibrary', IpLibrary)
    .registerConstant('ip', 'IpLibrary', new IpLibrary())
    .registerFunction(
      'IpLibrary.isCanonical(string): bool',
      (_library: IpLibrary, text: string) => canonical(readIp(text).text) === text,
    );
};

const registerCidr = (environment: Environment): void => {
  environment
    .registerType('net.CIDR', CidrValue)
    .registerFunction('cidr(string): net.CIDR', readCidr)
    .registerFunction('isCIDR(string): bool', isCidr)
    .registerFunction('net.CIDR.containsIP(string): bool', (block: CidrValue, text: string) =>
      within(block, readIp(text).text),
    )
    .registerFunction('net.CIDR.containsIP(net.IP): bool', (block: CidrValue, ip: IpValue) => within(block, ip.text))
    .registerFunction('net.CIDR.containsCIDR(string): bool', (block: CidrValue, text: string) => {
      const inner = readCidr(text);
      return inner.bits >= block.bits && within(block, inner.address);
    })
    .registerFunction(
      'net.CIDR.containsCIDR(net.CIDR): bool',
      (block: CidrValue, inner: CidrValue) => inner.bits >= block.bits && within(block, inner.address),
    )
    .registerFunction('net.CIDR.ip(): net.IP', ({ address }: CidrValue) => new IpValue(address))
    .registerFunction('net.CIDR.masked(): net.CIDR', masked)
    .registerFunction('net.CIDR.prefixLength(): int', ({ bits }: CidrValue) => BigInt(bits))
    .registerFunction('string(net.CIDR): string', ({ address, bits }: CidrValue) => `${canonical(address)}/${bits}`)
    .registerOperator(
      'net.CIDR == net.CIDR',
      (left: CidrValue, right: CidrValue) =>
        left.bits === right.bits && canonical(left.address) === canonical(right.address),
    );
};

const registerUrl = (environment: Environment): void => {
  environment
    .registerType('kubernetes.URL', UrlValue)
    .registerFunction('url(string): kubernetes.URL', readUrl)
    .registerFunction('isURL(string): bool', (text: string) => succeeds(() => readUrl(text)))
    .registerFunction('kubernetes.URL.getScheme(): string', ({ url, relative }: UrlValue) =>
      relative ? '' : url.protocol.slice(0, -1),
    )
    .registerFunction('kubernetes.URL.getHost(): string', ({ url, relative }: UrlValue) => (relative ? '' : url.host))
    .registerFunction('kubernetes.URL.getHostname(): string', ({ url, relative }: UrlValue) =>
      relative ? '' : url.hostname.replace(/^\[(.*)\]$/, '$1'),
    )
    .registerFunction('kubernetes.URL.getPort(): string', ({ url }: UrlValue) => url.port)
    .registerFunction('kubernetes.URL.getEscapedPath(): string', ({ url }: UrlValue) => url.pathname)
    .registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', queryOf);
};

/** The functions on addresses, blocks and URLs (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library). */
export const registerNetworkFunctions = (environment: Environment): void => {
  registerIp(environment);
  registerCidr(environment);
  registerUrl(environment);
};
