import { type KeyObject, randomBytes } from 'node:crypto';
import { expectTag, readChildren, readOnly, readTime, readUnsigned } from './der/read.ts';
import { bitString, explicit, sequence, smallInteger, TAG, time, unsignedInteger } from './der/write.ts';
import { PkiError } from './errors.ts';
import { type ReadExtension, readExtensions } from './extensions.ts';
import { signatureOf, signStructure } from './keys.ts';

/** The fields of a certificate to be signed (RFC 5280 §4.1.2). */
export interface CertificateFields {
  /** Name, DER. */
  readonly issuer: Uint8Array;
  /** Name, DER. */
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spkiDer: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

/** A signed certificate. */
export interface SignedCertificate {
  readonly der: Uint8Array;
  /** Upper-case hexadecimal. */
  readonly serial: string;
}

/** 128 random bits: above the 64 that the CA/Browser Forum asks for, below the 20 octets of RFC 5280 §4.1.2.2. */
const SERIAL_BYTES = 16;
const V3 = explicit(0, smallInteger(2));

function randomSerial(): Uint8Array {
  const serial = randomBytes(SERIAL_BYTES);
  return serial.every((octet) => octet === 0) ? randomSerial() : serial;
}

/** Signs a version 3 certificate with the issuer's key under a random serial. */
export function signCertificate(fields: CertificateFields, issuerKey: KeyObject): SignedCertificate {
  const { algorithm } = signatureOf(issuerKey);
  const serial = randomSerial();
  const tbs = sequence(
    V3,
    unsignedInteger(serial),
    algorithm,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.spkiDer,
    explicit(3, sequence(...fields.extensions)),
  );
  return {
    der: sequence(tbs, algorithm, bitString(signStructure(issuerKey, tbs))),
    serial: serialText(serial),
  };
}

/** Upper-case hexadecimal without leading zero octets, as node:crypto writes serials. */
function serialText(magnitude: Uint8Array): string {
  const text = Buffer.from(magnitude)
    .toString('hex')
    .toUpperCase()
    .replace(/^(00)+(?=..)/, '');
  return text;
}

/** A certificate as read; the arrays are views into its DER. */
export interface ReadCertificate {
  readonly serial: string;
  /** Name, DER. */
  readonly issuer: Uint8Array;
  /** Name, DER. */
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spkiDer: Uint8Array;
  readonly extensions: ReadonlyMap<string, ReadExtension>;
}

/** Reads a certificate's fields; verifies nothing. Throws PkiError `InvalidDer`. */
export function readCertificate(der: Uint8Array): ReadCertificate {
  const [tbs] = readChildren(readOnly(der, TAG.sequence));
  const fields = [...readChildren(expectTag(tbs, TAG.sequence))];
  // Version 1 leaves the version out, and has no extensions.
  if (fields[0]?.tag === 0xa0) fields.shift();
  const [serial, , issuer, validity, subject, spki, ...optional] = fields;
  const [notBefore, notAfter] = readChildren(expectTag(validity, TAG.sequence));
  const extensions = optional.find(({ tag }) => tag === 0xa3);
  const list = extensions === undefined ? undefined : readChildren(extensions)[0];
  return {
    serial: serialText(readUnsigned(serial)),
    issuer: expectTag(issuer, TAG.sequence).raw,
    subject: expectTag(subject, TAG.sequence).raw,
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    spkiDer: expectTag(spki, TAG.sequence).raw,
    extensions: list === undefined ? new Map() : readExtensions(list),
  };
}

/** How far certificates are dated back, at most: peers whose clocks are behind by that much still accept them. */
export const MAX_BACK_DATE_SECONDS = 120;

/** When a certificate is valid, whole seconds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * The time of a new certificate: dated back by two minutes for skewed clocks, but by no more than a tenth of its life,
 * so that short-lived ones are not half spent when they are born; and never outside its issuer's time.
 * Throws PkiError `InvalidRequest` for a lifetime that is no positive number of seconds, `UnusableAuthority` when the
 * issuer is expired or not valid yet.
 */
export function chooseValidity(now: Date, validitySeconds: number, issuer?: Validity): Validity {
  if (!Number.isFinite(validitySeconds) || validitySeconds < 1) {
    throw new PkiError('InvalidRequest', `a certificate cannot be valid for ${validitySeconds} seconds`);
  }
  const second = (ms: number): number => Math.floor(ms / 1000) * 1000;
  const back = Math.min(MAX_BACK_DATE_SECONDS, validitySeconds / 10) * 1000;
  // 9999 is the last year a certificate can name.
  const last = Date.UTC(9999, 11, 31, 23, 59, 59);
  const notBefore = second(now.getTime() - back);
  const notAfter = Math.min(last, second(now.getTime() + validitySeconds * 1000));
  if (issuer === undefined) return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
  if (issuer.notAfter.getTime() <= now.getTime()) {
    throw new PkiError('UnusableAuthority', `the authority's certificate expired on ${issuer.notAfter.toISOString()}`);
  }
  if (issuer.notBefore.getTime() > now.getTime()) {
    throw new PkiError(
      'UnusableAuthority',
      `the authority's certificate is valid from ${issuer.notBefore.toISOString()}, which is in the future: check this machine's clock`,
    );
  }
  return {
    notBefore: new Date(Math.max(notBefore, issuer.notBefore.getTime())),
    notAfter: new Date(Math.min(notAfter, issuer.notAfter.getTime())),
  };
}
