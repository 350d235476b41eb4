import { writeAlternativeNames } from './alternative-names.ts';
import { type Authority, readAuthority } from './authority.ts';
import { chooseValidity, signCertificate } from './certificate.ts';
import { writeName } from './distinguished-name.ts';
import { PkiError } from './errors.ts';
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  LEAF_CONSTRAINTS,
  leafKeyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { generateKey, keyIdentifier } from './keys.ts';
import { writePem } from './pem.ts';
import { readSigningRequest } from './signing-request.ts';
import type { AuthorityMaterial, Certificate, CertificateRequest, Issuer, Usage } from './types.ts';

/** What an issuer decides for a signing request, rather than who asks. */
export interface SigningTerms {
  readonly validitySeconds: number;
  /** Default both. */
  readonly usages?: readonly Usage[];
}

/** The embedded authority: it also signs keys that were made elsewhere. */
export interface EmbeddedIssuer extends Issuer {
  /**
   * Signs a PKCS#10 request (PEM): its subject's CN and O and its alternative names are taken over, nothing else of it.
   * Whether the requester may have these names is for the caller to decide before. Rejects with PkiError.
   */
  sign(requestPem: string, terms: SigningTerms): Promise<Omit<Certificate, 'keyPem'>>;
}

type LeafNames = Pick<CertificateRequest, 'commonName' | 'dnsNames' | 'uris' | 'ipAddresses' | 'organizations'>;

interface LeafKey {
  readonly spkiDer: Uint8Array;
  readonly rsa: boolean;
}

function signLeaf(
  authority: Authority,
  names: LeafNames,
  key: LeafKey,
  { validitySeconds, usages = ['client', 'server'] }: SigningTerms,
  now: Date,
): Omit<Certificate, 'keyPem'> {
  if (usages.length === 0) throw new PkiError('InvalidRequest', 'a certificate for neither client nor server');
  const validity = chooseValidity(now, validitySeconds, authority);
  const alternatives = writeAlternativeNames(names);
  const { der, serial } = signCertificate(
    {
      issuer: authority.subject,
      subject: writeName({ commonName: names.commonName, organizations: names.organizations ?? [] }),
      ...validity,
      spkiDer: key.spkiDer,
      extensions: [
        LEAF_CONSTRAINTS,
        leafKeyUsage(key.rsa),
        extendedKeyUsage(usages),
        subjectKeyIdentifier(keyIdentifier(key.spkiDer)),
        authorityKeyIdentifier(authority.keyIdentifier),
        ...(alternatives === undefined ? [] : [subjectAltName(alternatives)]),
      ],
    },
    authority.key,
  );
  return {
    chainPem: writePem('CERTIFICATE', der) + authority.intermediatesPem,
    trustPem: authority.rootPem,
    serial,
    ...validity,
  };
}

/**
 * The issuer that signs with an authority held in memory. Throws PkiError when the material cannot be used; `issue`
 * rejects with PkiError `InvalidRequest` for names that no certificate can carry and `UnusableAuthority` once the
 * authority has expired.
 */
export function createEmbeddedIssuer(material: AuthorityMaterial, now: () => Date = () => new Date()): EmbeddedIssuer {
  const authority = readAuthority(material);
  return {
    name: 'embedded',
    trustBundle: () => authority.rootPem,
    async issue(request) {
      const { keyPem, spkiDer } = await generateKey(request.key);
      const key = { spkiDer, rsa: request.key?.type === 'rsa' };
      return { ...signLeaf(authority, request, key, request, now()), keyPem };
    },
    async sign(requestPem, terms) {
      const { commonName, ...request } = readSigningRequest(requestPem);
      if (commonName === undefined) throw new PkiError('InvalidRequest', 'the signing request has no common name');
      const names = { ...request, commonName };
      return signLeaf(authority, names, { spkiDer: request.spkiDer, rsa: request.keyType === 'rsa' }, terms, now());
    },
  };
}
