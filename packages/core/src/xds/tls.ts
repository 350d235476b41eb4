import { any, type CommonTlsContextJson, type StringMatcherJson, type TransportSocketJson } from '@osm/envoy';
import type { Identity, ProxySettings, Upstream } from '../plan/types.ts';
import { secretFromAds } from './config-source.ts';
import { CLIENT_CERT_NAME, inboundRootName, MESH_ALPN, outboundRootName, serviceCertName, spiffeId } from './names.ts';

/** Versions, ciphers and curves of TLS; an empty list is Envoy's own. */
function tlsParams(tls: ProxySettings['tls']): NonNullable<CommonTlsContextJson['tlsParams']> {
  return {
    tlsMinimumProtocolVersion: tls.minVersion as 'TLSv1_2',
    tlsMaximumProtocolVersion: tls.maxVersion as 'TLSv1_3',
    ...(tls.cipherSuites.length === 0 ? {} : { cipherSuites: tls.cipherSuites }),
    ...(tls.ecdhCurves.length === 0 ? {} : { ecdhCurves: tls.ecdhCurves }),
  };
}

const downstream = (common: CommonTlsContextJson, requireClientCertificate: boolean): TransportSocketJson => ({
  name: 'envoy.transport_sockets.tls',
  typedConfig: any('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    requireClientCertificate,
    commonTlsContext: common,
  }),
});

/** A name in no certificate of any mesh: a list of names must not be empty, as that would take every certificate. */
const NOBODY: StringMatcherJson = { exact: 'spiffe://nobody.invalid/nobody' };

/**
 * mTLS of a connection from the mesh: a certificate of the mesh is required. With `sources`, only their certificates
 * complete the handshake. HTTP leaves the names to RBAC, which answers; but the network RBAC filter judges when a
 * client first sends, too late for an application that speaks first.
 */
export function meshDownstreamTls(
  identity: Identity,
  tls: ProxySettings['tls'],
  sources: readonly Identity[] | undefined,
  trustDomain: string,
): TransportSocketJson {
  const root = secretFromAds(inboundRootName(identity));
  const names = sources?.map((source): StringMatcherJson => ({ exact: spiffeId(source, trustDomain) }));
  const matchers = names?.length === 0 ? [NOBODY] : names;
  return downstream(
    {
      tlsParams: tlsParams(tls),
      // No protocol is agreed on, though clients offer the mesh's own, by which the chain was chosen: HTTP/2 is then
      // recognised by its preface, while with any protocol but `h2` it would be read as HTTP/1.1.
      tlsCertificateSdsSecretConfigs: [secretFromAds(serviceCertName(identity))],
      ...(matchers === undefined
        ? { validationContextSdsSecretConfig: root }
        : {
            combinedValidationContext: {
              defaultValidationContext: {
                matchTypedSubjectAltNames: matchers.map((matcher) => ({ sanType: 'URI', matcher })),
              },
              validationContextSdsSecretConfig: root,
            },
          }),
    },
    true,
  );
}

/** TLS of a connection from outside the mesh; `mutual` asks for a certificate of the mesh's authority. */
export function ingressDownstreamTls(
  identity: Identity,
  tls: ProxySettings['tls'],
  mutual: boolean,
): TransportSocketJson {
  return downstream(
    {
      tlsParams: tlsParams(tls),
      alpnProtocols: ['h2', 'http/1.1'],
      tlsCertificateSdsSecretConfigs: [secretFromAds(serviceCertName(identity))],
      ...(mutual ? { validationContextSdsSecretConfig: secretFromAds(inboundRootName(identity)) } : {}),
    },
    mutual,
  );
}

/** mTLS towards a service of the mesh; the validation context names the workloads that may answer for it. */
export function meshUpstreamTls(upstream: Upstream, tls: ProxySettings['tls']): TransportSocketJson {
  return {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      sni: upstream.serverName,
      commonTlsContext: {
        tlsParams: tlsParams(tls),
        alpnProtocols: [MESH_ALPN],
        tlsCertificateSdsSecretConfigs: [secretFromAds(CLIENT_CERT_NAME)],
        validationContextSdsSecretConfig: secretFromAds(outboundRootName(upstream.service)),
      },
    }),
  };
}
