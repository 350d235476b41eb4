import { isIP } from 'node:net';
import { any, type TransportSocketJson } from '@osm/envoy';
import type { EgressTls } from '../plan/types.ts';

/** Authorities of Envoy's own images, and of Debian, Ubuntu and Alpine. */
const SYSTEM_ROOTS = '/etc/ssl/certs/ca-certificates.crt';

/**
 * TLS towards a host outside the mesh, in the mesh's place of the client: the host must prove its name. The mesh's own
 * certificate is not offered, as it is nothing to strangers.
 */
export function outsideTls({ serverName, caPem }: EgressTls, host: string): TransportSocketJson {
  const name = (serverName ?? host).toLowerCase();
  const address = isIP(name) !== 0;
  return {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      ...(address ? {} : { sni: name }),
      commonTlsContext: {
        tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' },
        validationContext: {
          trustedCa: caPem === undefined ? { filename: SYSTEM_ROOTS } : { inlineString: caPem },
          matchTypedSubjectAltNames: [{ sanType: address ? 'IP_ADDRESS' : 'DNS', matcher: { exact: name } }],
        },
      },
    }),
  };
}
