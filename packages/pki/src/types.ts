/** Identity material: keys, certificates, issuers. Everything is PEM at the border, DER inside. */

/** What key to generate. RSA has 2048 to 4096 bits. */
export type KeySpec =
  | { readonly type: 'ec'; readonly curve: 'P-256' }
  | { readonly type: 'rsa'; readonly bits: number };

/** Which side of TLS a certificate is for (extended key usage, RFC 5280 §4.2.1.12). */
export type Usage = 'client' | 'server';

/** A key pair with its certificate chain, leaf first, all PEM. */
export interface Certificate {
  /** Leaf followed by intermediates. */
  readonly chainPem: string;
  readonly keyPem: string;
  /** Certificates to trust when verifying peers of the same mesh (may hold several roots during a rotation). */
  readonly trustPem: string;
  /** Upper-case hexadecimal, as node:crypto and openssl write it. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What a leaf certificate is to say. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly organizations?: readonly string[];
  /** From now; shortened where the issuer's own certificate ends earlier. */
  readonly validitySeconds: number;
  /** Default EC P-256. */
  readonly key?: KeySpec;
  /** Default both. */
  readonly usages?: readonly Usage[];
}

/** A plug-in that signs certificates: embedded CA now; Vault, cert-manager and SPIRE implement the same. */
export interface Issuer {
  readonly name: string;
  issue(request: CertificateRequest): Promise<Certificate>;
  /** PEM bundle of the roots that verify this issuer's certificates. */
  trustBundle(): string;
}

/** A certificate authority at rest. */
export interface AuthorityMaterial {
  /** The authority's certificate; for an intermediate, followed by its issuers up to the self-signed root. */
  readonly certificatePem: string;
  /** PKCS#8, PKCS#1 or SEC1, not encrypted. */
  readonly keyPem: string;
}

/** Subject of a certificate authority. */
export interface AuthoritySubject {
  readonly commonName: string;
  readonly organization?: string;
  /** Two letters (ISO 3166). */
  readonly country?: string;
  readonly locality?: string;
}

/** Names that an authority may certify (RFC 5280 §4.2.1.10). A list that is absent leaves its kind of name free. */
export interface NameConstraints {
  /** DNS subtrees: `cluster.local` permits itself and every name below. */
  readonly dnsNames?: readonly string[];
  /** Hosts of URI names: `cluster.local` permits that host only, which is a SPIFFE trust domain. */
  readonly uriHosts?: readonly string[];
}

/** What a new certificate authority is to be. */
export interface AuthorityOptions extends AuthoritySubject {
  /** Default ten years. */
  readonly validitySeconds?: number;
  /** Default EC P-256. */
  readonly key?: KeySpec;
  readonly nameConstraints?: NameConstraints;
}
