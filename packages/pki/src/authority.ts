import { type KeyObject, X509Certificate } from 'node:crypto';
import { chooseValidity, readCertificate, signCertificate, type Validity } from './certificate.ts';
import { writeName } from './distinguished-name.ts';
import { PkiError } from './errors.ts';
import {
  AUTHORITY_KEY_USAGE,
  authorityConstraints,
  authorityKeyIdentifier,
  EXTENSION,
  permittedNames,
  readKeyIdentifier,
  subjectKeyIdentifier,
} from './extensions.ts';
import { generateKey, keyIdentifier, readPrivateKey } from './keys.ts';
import { readCertificates, writePem } from './pem.ts';
import type { AuthorityMaterial, AuthorityOptions } from './types.ts';

/** Ten years, as OSM's embedded root. */
export const DEFAULT_AUTHORITY_SECONDS = 87_600 * 3600;

/** An authority ready to sign. */
export interface Authority extends Validity {
  /** Name, DER; the issuer of what it signs. */
  readonly subject: Uint8Array;
  readonly keyIdentifier: Uint8Array;
  readonly key: KeyObject;
  /** PEM that goes behind a leaf: the authority and its issuers, without the root. Empty for a root. */
  readonly intermediatesPem: string;
  /** PEM of the self-signed root. */
  readonly rootPem: string;
}

const subjectOf = (options: AuthorityOptions): Uint8Array =>
  writeName({
    commonName: options.commonName,
    ...(options.organization === undefined ? {} : { organizations: [options.organization] }),
    ...(options.country === undefined ? {} : { country: options.country }),
    ...(options.locality === undefined ? {} : { locality: options.locality }),
  });

/**
 * Makes a self-signed root. Rejects with PkiError `InvalidRequest` for names, key or lifetime that cannot be.
 */
export async function createRoot(options: AuthorityOptions): Promise<AuthorityMaterial> {
  const { keyPem, spkiDer } = await generateKey(options.key);
  const subject = subjectOf(options);
  const id = keyIdentifier(spkiDer);
  const constraints = permittedNames(options.nameConstraints ?? {});
  const { der } = signCertificate(
    {
      issuer: subject,
      subject,
      ...chooseValidity(new Date(), options.validitySeconds ?? DEFAULT_AUTHORITY_SECONDS),
      spkiDer,
      extensions: [
        authorityConstraints(),
        AUTHORITY_KEY_USAGE,
        subjectKeyIdentifier(id),
        authorityKeyIdentifier(id),
        ...(constraints === undefined ? [] : [constraints]),
      ],
    },
    readPrivateKey(keyPem),
  );
  return { certificatePem: writePem('CERTIFICATE', der), keyPem };
}

/**
 * Makes an intermediate authority under another one; it may sign leaves only (path length 0), so the root's key can be
 * kept away from the cluster. Rejects as {@link createRoot} and {@link readAuthority} do.
 */
export async function createIntermediate(
  parent: AuthorityMaterial,
  options: AuthorityOptions,
): Promise<AuthorityMaterial> {
  const issuer = readAuthority(parent);
  const { keyPem, spkiDer } = await generateKey(options.key);
  const constraints = permittedNames(options.nameConstraints ?? {});
  const { der } = signCertificate(
    {
      issuer: issuer.subject,
      subject: subjectOf(options),
      ...chooseValidity(new Date(), options.validitySeconds ?? DEFAULT_AUTHORITY_SECONDS, issuer),
      spkiDer,
      extensions: [
        authorityConstraints(0),
        AUTHORITY_KEY_USAGE,
        subjectKeyIdentifier(keyIdentifier(spkiDer)),
        authorityKeyIdentifier(issuer.keyIdentifier),
        ...(constraints === undefined ? [] : [constraints]),
      ],
    },
    issuer.key,
  );
  return { certificatePem: writePem('CERTIFICATE', der) + issuer.intermediatesPem + issuer.rootPem, keyPem };
}

const unusable = (message: string): PkiError => new PkiError('UnusableAuthority', message);

function parse(text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new PkiError('InvalidDer', 'a PEM block CERTIFICATE holds no certificate');
  }
}

/**
 * Reads an authority's material and checks all that can be checked before it is used: the key is the certificate's,
 * the certificate may sign, and the chain behind it leads to a self-signed root. Throws PkiError.
 */
export function readAuthority(material: AuthorityMaterial): Authority {
  const key = readPrivateKey(material.keyPem);
  const blocks = readCertificates(material.certificatePem);
  const chain = blocks.map(({ text }) => parse(text));
  const [own] = chain;
  const [ownBlock] = blocks;
  if (own === undefined || ownBlock === undefined) throw unusable('the authority has no certificate');
  if (!own.checkPrivateKey(key)) {
    throw new PkiError('UnusableKey', `the private key does not belong to the certificate ${own.subject}`);
  }
  let rootAt = 0;
  for (let current = own; ; ) {
    if (!current.ca)
      throw unusable(`the certificate ${current.subject} may not sign others (basicConstraints CA is not set)`);
    if (current.checkIssued(current) && current.verify(current.publicKey)) break;
    const above = chain[rootAt + 1];
    if (above === undefined) {
      throw unusable(
        `the certificate ${current.subject} is not self-signed: append the certificates of its issuers up to the root`,
      );
    }
    if (!current.checkIssued(above) || !current.verify(above.publicKey)) {
      throw unusable(
        `the certificate ${above.subject} did not sign ${current.subject}: put each certificate before its issuer`,
      );
    }
    current = above;
    rootAt++;
  }
  const read = readCertificate(ownBlock.der);
  const id = read.extensions.get(EXTENSION.subjectKeyIdentifier);
  const ends = blocks.slice(0, rootAt + 1).map(({ der }) => readCertificate(der));
  return {
    subject: read.subject,
    keyIdentifier: id === undefined ? keyIdentifier(read.spkiDer) : readKeyIdentifier(id),
    key,
    // A chain is valid as long as all of it is.
    notBefore: new Date(Math.max(...ends.map(({ notBefore }) => notBefore.getTime()))),
    notAfter: new Date(Math.min(...ends.map(({ notAfter }) => notAfter.getTime()))),
    intermediatesPem: blocks
      .slice(0, rootAt)
      .map(({ text }) => text)
      .join(''),
    rootPem: blocks[rootAt]?.text ?? '',
  };
}
