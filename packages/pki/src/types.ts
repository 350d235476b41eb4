/** Identity material: keys, certificates, issuers. Everything is PEM at the border, DER inside. */

/** A key pair with its certificate chain, leaf first, all PEM. */
export interface Certificate {
  /** Leaf followed by intermediates. */
  readonly chainPem: string;
  readonly keyPem: string;
  /** Certificates to trust when verifying peers of the same mesh (may hold several roots during a rotation). */
  readonly trustPem: string;
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
  readonly validitySeconds: number;
  readonly key?: { readonly type: 'ec'; readonly curve: 'P-256' } | { readonly type: 'rsa'; readonly bits: number };
  /** Default both. */
  readonly usages?: readonly ('client' | 'server')[];
}

/** A plug-in that signs certificates: embedded CA now; Vault, cert-manager and SPIRE implement the same. */
export interface Issuer {
  readonly name: string;
  issue(request: CertificateRequest): Promise<Certificate>;
  /** PEM bundle of the roots that verify this issuer's certificates. */
  trustBundle(): string;
}
