import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KubeObject } from '@osm/kube';
import type { Certificate, CertificateRequest } from '@osm/pki';
import type { GatewaySettings } from '../ingest/control-settings.ts';
import { APP_NAME, LABEL } from '../surface.ts';

/** Label of the Secret that an ingress gateway's certificate is kept in; the value is the mesh's name. */
export const GATEWAY_LABEL = 'openservicemesh.io/ingress-gateway';
/** Annotation: what the certificate was asked to say, so that a change of MeshConfig is told from a renewal. */
const REQUEST = 'openservicemesh.io/ingress-gateway-request';

const requestText = ({ subjectAltNames, validitySeconds }: GatewaySettings): string =>
  JSON.stringify({ subjectAltNames, validitySeconds });

/** What the gateway's certificate is to say. Names of the form `spiffe://…` are URI names, the others DNS names. */
export function gatewayRequest({ subjectAltNames, validitySeconds }: GatewaySettings): CertificateRequest {
  const isUri = (name: string): boolean => name.includes('://');
  const uris = subjectAltNames.filter(isUri);
  const [commonName = ''] = subjectAltNames;
  const dnsNames = subjectAltNames.filter((name) => !isUri(name));
  return { commonName, dnsNames, ...(uris.length > 0 && { uris }), validitySeconds };
}

/** The Secret (`kubernetes.io/tls`, with the mesh's roots as `ca.crt`) for a certificate. */
export function gatewaySecret(settings: GatewaySettings, certificate: Certificate, meshName: string): KubeObject {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...settings.secret,
      labels: { [LABEL.appName]: APP_NAME, [LABEL.appInstance]: meshName, [GATEWAY_LABEL]: meshName },
      annotations: { [REQUEST]: requestText(settings) },
    },
    type: 'kubernetes.io/tls',
    data: {
      'ca.crt': base64(certificate.trustPem),
      'tls.crt': base64(certificate.chainPem),
      'tls.key': base64(certificate.keyPem),
    },
  };
}

/** Whether the mesh made the Secret, and so may change or delete it. */
export const isGatewaySecret = ({ metadata }: KubeObject, meshName: string): boolean =>
  metadata.labels?.[GATEWAY_LABEL] === meshName;

/** How long the Secret's certificate lives; undefined when it is not what the settings and roots ask for. */
export function gatewayValidity(
  secret: KubeObject,
  settings: GatewaySettings,
  trustPem: string,
): Pick<Certificate, 'notBefore' | 'notAfter'> | undefined {
  if (secret.metadata.annotations?.[REQUEST] !== requestText(settings)) return undefined;
  const data = (secret.data ?? {}) as Readonly<Record<string, string>>;
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  if (text('ca.crt') !== trustPem) return undefined;
  try {
    const certificate = new X509Certificate(text('tls.crt'));
    if (!certificate.checkPrivateKey(createPrivateKey(text('tls.key')))) return undefined;
    return { notBefore: new Date(certificate.validFrom), notAfter: new Date(certificate.validTo) };
  } catch {
    return undefined;
  }
}
