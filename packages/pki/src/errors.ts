/** What went wrong with identity material. */
export type PkiErrorCode =
  /** The text is no PEM, or holds no block of the kind asked for. */
  | 'InvalidPem'
  /** The bytes are no DER, or no DER of the structure asked for. */
  | 'InvalidDer'
  /** A private key is encrypted, too weak, of a kind Envoy does not verify, or not the certificate's. */
  | 'UnusableKey'
  /** A certificate cannot sign others: no CA, expired, or without its root. */
  | 'UnusableAuthority'
  /** A request asks for a name, a lifetime or a key that cannot be certified. */
  | 'InvalidRequest';

/** Every error this package throws for its input. The message says what to change; it never holds key material. */
export class PkiError extends Error {
  readonly code: PkiErrorCode;
  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PkiError';
    this.code = code;
  }
}
