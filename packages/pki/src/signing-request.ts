import { createPublicKey, verify } from 'node:crypto';
import { type AlternativeNames, readAlternativeNames, writeAlternativeNames } from './alternative-names.ts';
import { expectTag, readBitString, readChildren, readElement, readOid, readOnly } from './der/read.ts';
import { bitString, element, oid, sequence, setOf, smallInteger, TAG } from './der/write.ts';
import { type DistinguishedName, readName, writeName } from './distinguished-name.ts';
import { PkiError } from './errors.ts';
import { EXTENSION, readExtensions, subjectAltName } from './extensions.ts';
import { generateKey, readPrivateKey, signatureOf, signStructure } from './keys.ts';
import { readPem, writePem } from './pem.ts';
import type { CertificateRequest } from './types.ts';

/** PKCS#9 attribute that carries the extensions asked for (RFC 2985 §5.4.2). */
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const LABELS = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);

/** What a PKCS#10 request asks for, its signature verified. */
export interface SigningRequest extends DistinguishedName, AlternativeNames {
  readonly spkiDer: Uint8Array;
  readonly keyType: 'ec' | 'rsa';
}

/** Writes a PKCS#10 request (RFC 2986) for a new key, for authorities elsewhere. Rejects with PkiError. */
export async function createSigningRequest(
  request: Pick<CertificateRequest, 'commonName' | 'dnsNames' | 'uris' | 'ipAddresses' | 'organizations' | 'key'>,
): Promise<{ readonly requestPem: string; readonly keyPem: string }> {
  const { keyPem, spkiDer } = await generateKey(request.key);
  const key = readPrivateKey(keyPem);
  const alternatives = writeAlternativeNames(request);
  const attributes =
    alternatives === undefined ? [] : [sequence(oid(EXTENSION_REQUEST), setOf(sequence(subjectAltName(alternatives))))];
  const info = sequence(
    smallInteger(0),
    writeName({ commonName: request.commonName, organizations: request.organizations ?? [] }),
    spkiDer,
    element(0xa0, ...attributes),
  );
  const der = sequence(info, signatureOf(key).algorithm, bitString(signStructure(key, info)));
  return { requestPem: writePem('CERTIFICATE REQUEST', der), keyPem };
}

/** Hash of the signature algorithms that are accepted on requests. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

/**
 * Reads a PKCS#10 request and verifies its signature, which proves that the requester holds the key.
 * Throws PkiError: `InvalidPem`, `InvalidDer`, `UnusableKey`, or `InvalidRequest` for a wrong signature.
 */
export function readSigningRequest(pem: string): SigningRequest {
  const block = readPem(pem).find(({ label }) => LABELS.has(label));
  if (block === undefined) throw new PkiError('InvalidPem', 'the text holds no PEM block CERTIFICATE REQUEST');
  const [info, algorithm, signature] = readChildren(readOnly(block.der, TAG.sequence));
  const [, subject, spki, attributes] = readChildren(expectTag(info, TAG.sequence));
  const spkiDer = expectTag(spki, TAG.sequence).raw;
  const hash = HASHES[readOid(readChildren(expectTag(algorithm, TAG.sequence))[0])];
  if (hash === undefined)
    throw new PkiError('InvalidRequest', 'the request is signed with an algorithm that is not accepted');
  const key = readPublicKey(spkiDer);
  signatureOf(key);
  if (!verify(hash, expectTag(info, TAG.sequence).raw, key, readBitString(signature))) {
    throw new PkiError('InvalidRequest', 'the signature of the request does not match its key');
  }
  let names: AlternativeNames = {};
  for (const attribute of attributes === undefined ? [] : readChildren(expectTag(attributes, 0xa0))) {
    const [type, values] = readChildren(attribute);
    if (readOid(type) !== EXTENSION_REQUEST) continue;
    const list = readElement(expectTag(values, TAG.set).content);
    const found = readExtensions(list).get(EXTENSION.subjectAltName);
    if (found !== undefined) names = readAlternativeNames(found.value);
  }
  return {
    ...readName(expectTag(subject, TAG.sequence).raw),
    ...names,
    spkiDer,
    keyType: key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec',
  };
}

function readPublicKey(spkiDer: Uint8Array): ReturnType<typeof createPublicKey> {
  try {
    return createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
  } catch {
    throw new PkiError('UnusableKey', 'the request holds no public key that OpenSSL can read');
  }
}
