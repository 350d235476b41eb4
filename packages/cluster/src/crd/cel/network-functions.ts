import { isIPv4 } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import { isCidr } from '../../schema/formats.ts';
import {
  CidrValue,
  canonicalIp,
  containsCidr,
  containsIp,
  IpValue,
  inBlocks,
  isPlainIp,
  maskedCidr,
  readCidr,
  readIp,
} from './address.ts';

const isLoopback = inBlocks('127.0.0.0/8', '::1/128');
const isUnspecified = inBlocks('0.0.0.0/32', '::/128');
const isLinkLocalMulticast = inBlocks('224.0.0.0/24', 'ff02::/16');
const isLinkLocalUnicast = inBlocks('169.254.0.0/16', 'fe80::/10');
const isMulticast = inBlocks('224.0.0.0/4', 'ff00::/8');
const isBroadcast = inBlocks('255.255.255.255/32');

const isGlobalUnicast = (ip: IpValue): boolean =>
  ![isLoopback, isUnspecified, isMulticast, isLinkLocalUnicast, isBroadcast].some((test) => test(ip));

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
    .registerFunction('string(net.IP): string', ({ text }: IpValue) => canonicalIp(text))
    .registerOperator(
      'net.IP == net.IP',
      (left: IpValue, right: IpValue) => canonicalIp(left.text) === canonicalIp(right.text),
    )
    .registerType('IpLibrary', IpLibrary)
    .registerConstant('ip', 'IpLibrary', new IpLibrary())
    .registerFunction(
      'IpLibrary.isCanonical(string): bool',
      (_library: IpLibrary, text: string) => canonicalIp(readIp(text).text) === text,
    );
};

const registerCidr = (environment: Environment): void => {
  environment
    .registerType('net.CIDR', CidrValue)
    .registerFunction('cidr(string): net.CIDR', readCidr)
    .registerFunction('isCIDR(string): bool', isCidr)
    .registerFunction('net.CIDR.containsIP(string): bool', (block: CidrValue, text: string) =>
      containsIp(block, readIp(text).text),
    )
    .registerFunction('net.CIDR.containsIP(net.IP): bool', (block: CidrValue, ip: IpValue) =>
      containsIp(block, ip.text),
    )
    .registerFunction('net.CIDR.containsCIDR(string): bool', (block: CidrValue, text: string) =>
      containsCidr(block, readCidr(text)),
    )
    .registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', containsCidr)
    .registerFunction('net.CIDR.ip(): net.IP', ({ address }: CidrValue) => new IpValue(address))
    .registerFunction('net.CIDR.masked(): net.CIDR', maskedCidr)
    .registerFunction('net.CIDR.prefixLength(): int', ({ bits }: CidrValue) => BigInt(bits))
    .registerFunction('string(net.CIDR): string', ({ address, bits }: CidrValue) => `${canonicalIp(address)}/${bits}`)
    .registerOperator(
      'net.CIDR == net.CIDR',
      (left: CidrValue, right: CidrValue) =>
        left.bits === right.bits && canonicalIp(left.address) === canonicalIp(right.address),
    );
};

/** Registers the functions on addresses and blocks (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library). */
export const registerNetworkFunctions = (environment: Environment): void => {
  registerIp(environment);
  registerCidr(environment);
};
