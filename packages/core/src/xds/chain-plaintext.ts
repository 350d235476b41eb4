import type { FilterChainJson, FilterChainMatchJson, NetworkFilterJson } from '@osm/envoy';
import type { InboundService, ProxySettings } from '../plan/types.ts';
import { PLAINTEXT_LOG } from './access-log.ts';
import { externalAuthorization } from './external-authorization.ts';
import { makesFaults } from './fault.ts';
import { httpGlobalRateLimit, networkGlobalRateLimit } from './global-rate-limit.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { localClusterName, plaintextChainName, plaintextRoutesName } from './names.ts';
import { networkRateLimit } from './rate-limit.ts';
import { remember } from './remember.ts';
import { tcpProxyTo } from './tcp-proxy.ts';

function plaintextHttp(inbound: InboundService, protocol: 'http' | 'grpc', settings: ProxySettings): NetworkFilterJson {
  const { externalAuthorization: authorization, tracing } = settings;
  return httpConnectionManager({
    routes: plaintextRoutesName(inbound),
    filters: {
      rateLimit: true,
      globalRateLimit: inbound.globalHttpRateLimit && httpGlobalRateLimit(inbound.globalHttpRateLimit),
      fault: makesFaults(inbound),
      externalAuthorization: authorization && externalAuthorization(authorization, protocol),
    },
    tracing,
    pathsMatter: false,
    anyClient: true,
    accessLog: PLAINTEXT_LOG,
  });
}

/**
 * The inbound chains of a port for callers without a sidecar, where plaintext is let in while clients are moved into the
 * mesh; none where it is not. Nobody can tell who such a caller is, so no rules are asked. They have names, statistics and
 * an access log of their own, by which what still comes in plaintext is told apart.
 *
 * A port that is no HTTP passes a client's own TLS on, as it did before its pod had a sidecar. Such a client may ask for
 * the service by name: Envoy, once it has found a chain for a server name, looks at no chain without one.
 */
export const plaintextChains = remember(
  (inbound: InboundService, settings: ProxySettings): readonly FilterChainJson[] => {
    const { service, targetPort, protocol, serverName, tcpRateLimit, globalTcpRateLimit, plaintext } = inbound;
    if (plaintext !== true) return [];
    const name = plaintextChainName(inbound);
    const http = protocol === 'http' || protocol === 'grpc';
    const cluster = localClusterName(service, targetPort);
    const filters: readonly NetworkFilterJson[] = [
      ...(tcpRateLimit === undefined ? [] : [networkRateLimit(name, tcpRateLimit)]),
      ...(globalTcpRateLimit === undefined ? [] : [networkGlobalRateLimit(name, globalTcpRateLimit)]),
      http
        ? plaintextHttp(inbound, protocol, settings)
        : tcpProxyTo(`inbound-plaintext-tcp-proxy.${cluster}`, cluster, PLAINTEXT_LOG),
    ];
    const chain = (suffix: string, match: FilterChainMatchJson): FilterChainJson => ({
      name: `${name}${suffix}`,
      filterChainMatch: { destinationPort: targetPort, ...match },
      filters,
    });
    const raw = chain('', { transportProtocol: 'raw_buffer' });
    if (http) return [raw];
    return [
      raw,
      chain('_tls', { transportProtocol: 'tls' }),
      chain('_tls_by_name', { transportProtocol: 'tls', serverNames: [serverName] }),
    ];
  },
);
