import { readChildren, readOid, readOnly, readText } from './der/read.ts';
import { element, oid, printableString, sequence, setOf, TAG, utf8String } from './der/write.ts';
import { PkiError } from './errors.ts';

/** The attributes of a subject that are written and read here; all others are skipped. */
export interface DistinguishedName {
  readonly commonName?: string;
  readonly organizations?: readonly string[];
  readonly country?: string;
  readonly locality?: string;
}

const COMMON_NAME = '2.5.4.3';
const COUNTRY = '2.5.4.6';
const LOCALITY = '2.5.4.7';
const ORGANIZATION = '2.5.4.10';

const MAX_VALUE = 1024;

const attribute = (type: Uint8Array, value: Uint8Array): Uint8Array => setOf(sequence(type, value));
const COMMON_NAME_OID = oid(COMMON_NAME);
const COUNTRY_OID = oid(COUNTRY);
const LOCALITY_OID = oid(LOCALITY);
const ORGANIZATION_OID = oid(ORGANIZATION);

function checked(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  if (value === '' || value.length > MAX_VALUE || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new PkiError(
      'InvalidRequest',
      `a subject's values have 1 to ${MAX_VALUE} characters, none of them control characters`,
    );
  }
  return value;
}

/**
 * Writes a Name in the order C, L, O, CN. The common name is not cut at the 64 characters of RFC 5280's upper bounds:
 * OSM's proxy names are longer, and OpenSSL, BoringSSL and Go read them. Throws PkiError `InvalidRequest`.
 */
export function writeName(name: DistinguishedName): Uint8Array {
  const parts: Uint8Array[] = [];
  if (name.country !== undefined) {
    if (!/^[A-Z]{2}$/.test(name.country)) throw new PkiError('InvalidRequest', 'a country is two upper-case letters');
    parts.push(attribute(COUNTRY_OID, printableString(name.country)));
  }
  if (name.locality !== undefined) parts.push(attribute(LOCALITY_OID, utf8String(checked(name.locality))));
  for (const organization of name.organizations ?? []) {
    parts.push(attribute(ORGANIZATION_OID, utf8String(checked(organization))));
  }
  if (name.commonName !== undefined) parts.push(attribute(COMMON_NAME_OID, utf8String(checked(name.commonName))));
  return element(TAG.sequence, ...parts);
}

/** Reads a Name; throws PkiError `InvalidDer` for what is none. */
export function readName(der: Uint8Array): DistinguishedName {
  const found = new Map<string, string[]>();
  for (const set of readChildren(readOnly(der, TAG.sequence))) {
    for (const pair of readChildren(set)) {
      const [type, value] = readChildren(pair);
      const text = readText(value);
      if (text === undefined) continue;
      const key = readOid(type);
      found.set(key, [...(found.get(key) ?? []), text]);
    }
  }
  const one = (key: string): string | undefined => found.get(key)?.at(-1);
  const [commonName, country, locality] = [one(COMMON_NAME), one(COUNTRY), one(LOCALITY)];
  return {
    ...(commonName === undefined ? {} : { commonName }),
    ...(country === undefined ? {} : { country }),
    ...(locality === undefined ? {} : { locality }),
    organizations: found.get(ORGANIZATION) ?? [],
  };
}
