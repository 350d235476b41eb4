import { isIPv4, isIPv6 } from 'node:net';
import { readChildren, readOnly } from './der/read.ts';
import { implicit, sequence, TAG } from './der/write.ts';
import { PkiError } from './errors.ts';

/** The subject alternative names that are written and read here (RFC 5280 §4.2.1.6); other kinds are skipped. */
export interface AlternativeNames {
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

const DNS = 2;
const URI = 6;
const IP = 7;

/** Bounds what one request may cost. */
const MAX_NAMES = 1000;
const MAX_DNS = 253;
const MAX_URI = 2048;

const refuse = (kind: string, name: string): PkiError =>
  new PkiError('InvalidRequest', `${JSON.stringify(name.slice(0, 300))} is no ${kind}`);

function dnsName(name: string): Uint8Array {
  // Underscores and a leading `*.` are no host names, but names that certificates carry.
  if (name.length > MAX_DNS || !/^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$/.test(name)) {
    throw refuse('DNS name', name);
  }
  return implicit(DNS, Buffer.from(name, 'latin1'));
}

function uri(name: string): Uint8Array {
  if (name.length > MAX_URI || !/^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/.test(name)) throw refuse('URI', name);
  return implicit(URI, Buffer.from(name, 'latin1'));
}

/** Octets of an address in network order: 4 or 16. Throws PkiError `InvalidRequest` for what is no address. */
export function addressOctets(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number);
  if (!isIPv6(address) || address.includes('%')) throw refuse('IP address', address);
  const words = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((word) => {
          if (!word.includes('.')) return [Number.parseInt(word, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number);
          return [a * 256 + b, c * 256 + d];
        });
  const [head = '', tail] = address.split('::');
  const [front, back] = [words(head), words(tail ?? '')];
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

function addressText(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return undefined;
  const words = Array.from({ length: 8 }, (_, i) => (octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0));
  // The URL parser writes the canonical form of RFC 5952.
  return new URL(`http://[${words.map((word) => word.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

/** Writes GeneralNames; undefined when there are none. Throws PkiError `InvalidRequest` for a name that is malformed. */
export function writeAlternativeNames(names: AlternativeNames): Uint8Array | undefined {
  const { dnsNames = [], uris = [], ipAddresses = [] } = names;
  const count = dnsNames.length + uris.length + ipAddresses.length;
  if (count === 0) return undefined;
  if (count > MAX_NAMES) throw new PkiError('InvalidRequest', `more than ${MAX_NAMES} names in one certificate`);
  return sequence(
    ...dnsNames.map(dnsName),
    ...uris.map(uri),
    ...ipAddresses.map((address) => implicit(IP, addressOctets(address))),
  );
}

/** Reads GeneralNames. Throws PkiError `InvalidDer`. */
export function readAlternativeNames(der: Uint8Array): Required<AlternativeNames> {
  const dnsNames: string[] = [];
  const uris: string[] = [];
  const ipAddresses: string[] = [];
  for (const { tag, content } of readChildren(readOnly(der, TAG.sequence))) {
    const text = (): string => Buffer.from(content).toString('latin1');
    if (tag === (0x80 | DNS)) dnsNames.push(text());
    if (tag === (0x80 | URI)) uris.push(text());
    const address = tag === (0x80 | IP) ? addressText(content) : undefined;
    if (address !== undefined) ipAddresses.push(address);
  }
  return { dnsNames, uris, ipAddresses };
}
