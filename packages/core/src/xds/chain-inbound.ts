import type { FilterChainJson, NetworkFilterJson } from '@osm/envoy';
import type { Identity, InboundService, ProxySettings } from '../plan/types.ts';
import { MESH_HTTP_LOG } from './access-log.ts';
import { externalAuthorization } from './external-authorization.ts';
import { makesFaults } from './fault.ts';
import { httpGlobalRateLimit, networkGlobalRateLimit } from './global-rate-limit.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { restrictsPath } from './http-match.ts';
import { inboundChainName, inboundRoutesName, localClusterName, MESH_ALPN } from './names.ts';
import { networkRateLimit } from './rate-limit.ts';
import { auditNetworkRbac, networkRbac } from './rbac-network.ts';
import { remember } from './remember.ts';
import { connectionSources, unionOf } from './sources.ts';
import { tcpProxyToApplication } from './tcp-proxy.ts';
import { meshDownstreamTls } from './tls.ts';

function inboundHttp(inbound: InboundService, protocol: 'http' | 'grpc', settings: ProxySettings): NetworkFilterJson {
  const { access } = inbound;
  return httpConnectionManager({
    routes: inboundRoutesName(inbound),
    filters: {
      rbac: true,
      rateLimit: true,
      globalRateLimit: inbound.globalHttpRateLimit && httpGlobalRateLimit(inbound.globalHttpRateLimit),
      fault: makesFaults(inbound),
      externalAuthorization:
        settings.externalAuthorization === undefined
          ? undefined
          : externalAuthorization(settings.externalAuthorization, protocol),
    },
    tracing: settings.tracing,
    pathsMatter: access.mode === 'rules' && access.http.some((rule) => restrictsPath(rule.match)),
    anyClient: false,
    accessLog: MESH_HTTP_LOG,
  });
}

/**
 * The inbound chain of a port of a service. It takes connections that ask for that service by SNI in the mesh's own
 * ALPN and that prove a workload of the mesh; there is none for plaintext, which is closed.
 */
export const inboundChain = remember(
  (
    inbound: InboundService,
    settings: ProxySettings,
    trustDomain: string,
    namespace: Identity['namespace'],
    serviceAccount: Identity['serviceAccount'],
  ): FilterChainJson => {
    const { service, targetPort, protocol, serverName, access, audit, tcpRateLimit, globalTcpRateLimit } = inbound;
    const name = inboundChainName(inbound);
    const identity = { namespace, serviceAccount };
    const http = protocol === 'http' || protocol === 'grpc';
    const sources = connectionSources(inbound, access);
    const tried = audit && connectionSources(inbound, audit);
    // Requests are judged one by one, and audited there: whose requests are tried gets that far.
    const callers = sources && tried && http ? unionOf([sources, tried]) : sources;
    const cluster = localClusterName(service, targetPort);
    return {
      name,
      filterChainMatch: {
        destinationPort: targetPort,
        serverNames: [serverName],
        transportProtocol: 'tls',
        applicationProtocols: [MESH_ALPN],
      },
      filters: [
        ...(tried === undefined || http ? [] : [auditNetworkRbac(name, tried, trustDomain)]),
        ...(callers === undefined ? [] : [networkRbac(callers, trustDomain)]),
        ...(tcpRateLimit === undefined ? [] : [networkRateLimit(name, tcpRateLimit)]),
        ...(globalTcpRateLimit === undefined ? [] : [networkGlobalRateLimit(name, globalTcpRateLimit)]),
        http
          ? inboundHttp(inbound, protocol, settings)
          : tcpProxyToApplication(`inbound-mesh-tcp-proxy.${cluster}`, cluster),
      ],
      transportSocket: meshDownstreamTls(identity, settings.tls, http ? undefined : sources, trustDomain),
      // A handshake that is not completed holds a connection no longer.
      transportSocketConnectTimeout: '15s',
    };
  },
);
