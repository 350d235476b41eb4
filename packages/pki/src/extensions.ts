import { type DerElement, expectTag, readBoolean, readChildren, readOid, readOnly } from './der/read.ts';
import { boolean, explicit, implicit, namedBits, octetString, oid, sequence, smallInteger, TAG } from './der/write.ts';
import type { NameConstraints, Usage } from './types.ts';

/** Dotted identifiers of the X.509 extensions used here (RFC 5280 §4.2). */
export const EXTENSION = Object.freeze({
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const);

/** Bits of keyUsage (RFC 5280 §4.2.1.3). */
const DIGITAL_SIGNATURE = 0;
const KEY_ENCIPHERMENT = 2;
const KEY_CERT_SIGN = 5;
const CRL_SIGN = 6;

const IDS = Object.freeze(
  Object.fromEntries(Object.values(EXTENSION).map((dotted) => [dotted, oid(dotted)])),
) as Readonly<Record<string, Uint8Array>>;
const CRITICAL = boolean(true);

const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  sequence(IDS[id] ?? oid(id), ...(critical ? [CRITICAL] : []), octetString(value));

/** Name of the key in this certificate. */
export function subjectKeyIdentifier(id: Uint8Array): Uint8Array {
  return extension(EXTENSION.subjectKeyIdentifier, false, octetString(id));
}

/** Name of the key that signed this certificate. */
export function authorityKeyIdentifier(id: Uint8Array): Uint8Array {
  return extension(EXTENSION.authorityKeyIdentifier, false, sequence(implicit(0, id)));
}

/** Critical on certificates that sign others; `pathLength` bounds the intermediates below. */
export function authorityConstraints(pathLength?: number): Uint8Array {
  return extension(
    EXTENSION.basicConstraints,
    true,
    sequence(CRITICAL, ...(pathLength === undefined ? [] : [smallInteger(pathLength)])),
  );
}

/** Says, critically, that a certificate signs no others. */
export const LEAF_CONSTRAINTS = extension(EXTENSION.basicConstraints, true, sequence());

/** An authority signs certificates and revocation lists, and nothing else. */
export const AUTHORITY_KEY_USAGE = extension(EXTENSION.keyUsage, true, namedBits([KEY_CERT_SIGN, CRL_SIGN]));

const EC_LEAF_KEY_USAGE = extension(EXTENSION.keyUsage, true, namedBits([DIGITAL_SIGNATURE]));
const RSA_LEAF_KEY_USAGE = extension(EXTENSION.keyUsage, true, namedBits([DIGITAL_SIGNATURE, KEY_ENCIPHERMENT]));

/** Key usage of a leaf. An EC key must not claim encipherment (RFC 8813 §3); TLS 1.2 with RSA key exchange needs it. */
export function leafKeyUsage(rsa: boolean): Uint8Array {
  return rsa ? RSA_LEAF_KEY_USAGE : EC_LEAF_KEY_USAGE;
}

const USAGE_ID: Readonly<Record<Usage, Uint8Array>> = {
  server: oid('1.3.6.1.5.5.7.3.1'),
  client: oid('1.3.6.1.5.5.7.3.2'),
};

/** Sides of TLS that a leaf may stand on. */
export function extendedKeyUsage(usages: readonly Usage[]): Uint8Array {
  return extension(EXTENSION.extendedKeyUsage, false, sequence(...usages.map((usage) => USAGE_ID[usage])));
}

/** Other names of the subject; `names` is GeneralNames. Not critical, as the subject is never empty. */
export function subjectAltName(names: Uint8Array): Uint8Array {
  return extension(EXTENSION.subjectAltName, false, names);
}

/** Names an authority may certify, critical as RFC 5280 demands. */
export function permittedNames({ dnsNames = [], uriHosts = [] }: NameConstraints): Uint8Array | undefined {
  if (dnsNames.length + uriHosts.length === 0) return undefined;
  const trees = [
    ...dnsNames.map((name) => sequence(implicit(2, Buffer.from(name, 'latin1')))),
    ...uriHosts.map((host) => sequence(implicit(6, Buffer.from(host, 'latin1')))),
  ];
  return extension(EXTENSION.nameConstraints, true, sequence(explicit(0, ...trees)));
}

/** An extension as read. */
export interface ReadExtension {
  readonly critical: boolean;
  /** DER inside the octet string. */
  readonly value: Uint8Array;
}

/** Reads a SEQUENCE OF Extension, by dotted identifier. Throws PkiError `InvalidDer`. */
export function readExtensions(list: DerElement): ReadonlyMap<string, ReadExtension> {
  const out = new Map<string, ReadExtension>();
  for (const item of readChildren(expectTag(list, TAG.sequence))) {
    const parts = readChildren(item);
    const critical = parts.length === 3 && readBoolean(parts[1]);
    out.set(readOid(parts[0]), { critical, value: expectTag(parts.at(-1), TAG.octetString).content });
  }
  return out;
}

/** Content of subjectKeyIdentifier. */
export function readKeyIdentifier(found: ReadExtension): Uint8Array {
  return readOnly(found.value, TAG.octetString).content;
}
