export { createIntermediate, createRoot, DEFAULT_AUTHORITY_SECONDS } from './authority.ts';
export { PkiError, type PkiErrorCode } from './errors.ts';
export { createEmbeddedIssuer, type EmbeddedIssuer, type SigningTerms } from './issuer.ts';
export { createSigningRequest, readSigningRequest, type SigningRequest } from './signing-request.ts';
export * from './types.ts';
