import { createHash, createPrivateKey, generateKeyPair, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { readBitString, readChildren, readOnly } from './der/read.ts';
import { bitString, explicit, nil, octetString, oid, sequence, smallInteger, TAG } from './der/write.ts';
import { PkiError } from './errors.ts';
import { readPem, writePem } from './pem.ts';
import type { KeySpec } from './types.ts';

/** A new key pair: the private key as PKCS#8 PEM, the public one as SubjectPublicKeyInfo. */
export interface KeyPair {
  readonly keyPem: string;
  readonly spkiDer: Uint8Array;
}

const RSA_ENCODING = {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'der' },
} as const;
const generateAsync = promisify(generateKeyPair);

/** AlgorithmIdentifier of keys on P-256 (RFC 5480 §2.1.1). */
const P256 = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
const UNCOMPRESSED = Uint8Array.of(4);

/**
 * A P-256 key. Its encodings are written here, since OpenSSL's encoders take three times as long as making the key:
 * PKCS#8 (RFC 5958) around ECPrivateKey (RFC 5915), and SubjectPublicKeyInfo (RFC 5480).
 */
function generateP256(): KeyPair {
  const {
    d = '',
    x = '',
    y = '',
  } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'jwk',
  });
  const bytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64url');
  const point = bitString(Buffer.concat([UNCOMPRESSED, bytes(x), bytes(y)]));
  const key = sequence(smallInteger(1), octetString(bytes(d)), explicit(1, point));
  return {
    keyPem: writePem('PRIVATE KEY', sequence(smallInteger(0), P256, octetString(key))),
    spkiDer: sequence(P256, point),
  };
}

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 4096;

/**
 * Generates a key. EC takes microseconds and is made at once; RSA takes up to seconds and is made off the main thread.
 * Rejects with PkiError `InvalidRequest` for RSA sizes outside 2048–4096 (MeshConfig `certKeyBitSize`) or no multiple of 8.
 */
export function generateKey(spec: KeySpec = { type: 'ec', curve: 'P-256' }): KeyPair | Promise<KeyPair> {
  if (spec.type === 'ec') return generateP256();
  const { bits } = spec;
  if (!Number.isInteger(bits) || bits < MIN_RSA_BITS || bits > MAX_RSA_BITS || bits % 8 !== 0) {
    throw new PkiError('InvalidRequest', `RSA keys have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, not ${bits}`);
  }
  return generateAsync('rsa', { modulusLength: bits, ...RSA_ENCODING }).then(({ privateKey, publicKey }) => ({
    keyPem: privateKey,
    spkiDer: publicKey,
  }));
}

/**
 * Reads a private key: PKCS#8, PKCS#1 or SEC1 PEM, other blocks (such as `EC PARAMETERS`) are skipped.
 * Throws PkiError `InvalidPem` or `UnusableKey`; never shows the key.
 */
export function readPrivateKey(pem: string): KeyObject {
  const block = readPem(pem).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) throw new PkiError('InvalidPem', 'the text holds no PEM block PRIVATE KEY');
  if (block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('ENCRYPTED')) {
    throw new PkiError('UnusableKey', 'the private key is encrypted: store it without a passphrase');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(block.text);
  } catch {
    // The cause could quote the input.
    throw new PkiError('UnusableKey', `the PEM block ${block.label} holds no private key that OpenSSL can read`);
  }
  signatureOf(key);
  return key;
}

interface Signature {
  readonly hash: 'sha256' | 'sha384';
  /** AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
}

const ECDSA_SHA256: Signature = { hash: 'sha256', algorithm: sequence(oid('1.2.840.10045.4.3.2')) };
const ECDSA_SHA384: Signature = { hash: 'sha384', algorithm: sequence(oid('1.2.840.10045.4.3.3')) };
/** RFC 4055 §5: the parameters of RSA signatures are NULL, not absent. */
const RSA_SHA256: Signature = { hash: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), nil()) };

/** The signature scheme of a key. Throws PkiError `UnusableKey` for keys whose signatures Envoy would not verify. */
export function signatureOf(key: KeyObject): Signature {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits >= MIN_RSA_BITS) return RSA_SHA256;
    throw new PkiError('UnusableKey', `the RSA key has ${bits} bits, fewer than ${MIN_RSA_BITS}`);
  }
  if (key.asymmetricKeyType === 'ec') {
    if (details?.namedCurve === 'prime256v1') return ECDSA_SHA256;
    if (details?.namedCurve === 'secp384r1') return ECDSA_SHA384;
  }
  const kind = details?.namedCurve ?? key.asymmetricKeyType;
  throw new PkiError('UnusableKey', `keys of kind ${kind} cannot be used: use ECDSA P-256, P-384 or RSA`);
}

/** Signs a to-be-signed structure; returns the algorithm identifier and the signature's octets. */
export function signStructure(key: KeyObject, tbs: Uint8Array): Uint8Array {
  return sign(signatureOf(key).hash, tbs, key);
}

/** Key identifier of a SubjectPublicKeyInfo: SHA-1 of the key's bits (RFC 5280 §4.2.1.2, method 1). */
export function keyIdentifier(spkiDer: Uint8Array): Uint8Array {
  const bits = readBitString(readChildren(readOnly(spkiDer, TAG.sequence))[1]);
  return createHash('sha1').update(bits).digest();
}
