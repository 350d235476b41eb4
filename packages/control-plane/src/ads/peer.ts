import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';

/** What a verified client certificate says of its holder. */
export interface PeerNames {
  /** Subject CN. */
  readonly commonName: string;
  /** URI SANs. */
  readonly uris: readonly string[];
}

/** One entry of Node's text form: a name, or a JSON string when the name holds a comma or a quote. */
const ENTRY = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;

/** Names of a peer certificate as Node parsed it. Undefined when there is no certificate. */
export function peerNames(certificate: PeerCertificate | undefined): PeerNames | undefined {
  if (certificate?.raw === undefined) return undefined;
  const commonName: unknown = certificate.subject?.CN;
  const text = new X509Certificate(certificate.raw).subjectAltName ?? '';
  const uris: string[] = [];
  ENTRY.lastIndex = 0;
  for (let match = ENTRY.exec(text); match !== null && match[0] !== ''; match = ENTRY.exec(text)) {
    const value = match[2] ?? '';
    if (match[1] === 'URI') uris.push(value.startsWith('"') ? String(JSON.parse(value)) : value);
  }
  // A subject with several common names is ambiguous; it counts as having none.
  return { commonName: typeof commonName === 'string' ? commonName : '', uris };
}
