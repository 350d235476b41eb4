import { X509Certificate } from 'node:crypto';
import type { MeshObject } from './objects.ts';

/** Name of the ConfigMaps and Secrets that hold authorities; the only ones that the mesh may read. */
export const CA_BUNDLE_NAME = 'osm-egress-ca';

/** Reads the texts of a ConfigMap, or of a Secret, whose values are base64; `key` begins with the kind. */
export function readCaBundle(object: MeshObject, key: string): Readonly<Record<string, string>> {
  const data = (object.data ?? {}) as Readonly<Record<string, string>>;
  if (!key.startsWith('Secret/')) return data;
  const texts = Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]);
  return Object.fromEntries(texts);
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** What is wrong with a text that is to hold certificates; undefined when nothing is. Envoy refuses what is wrong as a whole. */
export function certificatesFault(pem: string): string | undefined {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return 'holds no certificate (PEM)';
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch {
      return `holds a certificate, number ${index + 1}, that cannot be read`;
    }
  }
  return undefined;
}
