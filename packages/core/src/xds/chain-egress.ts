import type { FilterChainJson, FilterChainMatchJson } from '@osm/envoy';
import type { EgressPort, ProxySettings } from '../plan/types.ts';
import { FORWARD_PROXY_FILTER } from './cluster-egress.ts';
import { chainRanges, isWildcard, namesOf, rangesOf } from './egress-port.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { restrictsPath } from './http-match.ts';
import type { InspectedPorts } from './listener-outbound.ts';
import { egressChainName, egressPortCluster, egressRoutesName } from './names.ts';
import { tcpProxyTo } from './tcp-proxy.ts';

const HTTP_PROTOCOLS = Object.freeze(['http/1.0', 'http/1.1', 'h2c']);

const byServerName = (egress: EgressPort): boolean => egress.protocol === 'https' && egress.hosts.length > 0;

/**
 * Ports on which it takes a look at a connection to know which policy it is for. HTTP needs none where nothing else is
 * let out: what is not HTTP is then refused as such.
 */
export function inspectedPorts(egress: readonly EgressPort[], passthrough: boolean): InspectedPorts {
  const ports = (of: readonly EgressPort[]): readonly number[] =>
    [...new Set(of.map(({ port }) => port))].sort((a, b) => a - b);
  const shared = (port: number): boolean =>
    passthrough || egress.some((other) => other.port === port && other.protocol !== 'http');
  return {
    tls: ports(egress.filter(byServerName)),
    http: ports(egress.filter(({ protocol, port }) => protocol === 'http' && shared(port))),
  };
}

/** The one chain for HTTP on a port; which hosts and addresses may be reached, its routes say. */
function httpChain(port: number, all: readonly EgressPort[], inspected: boolean, tracing: ProxySettings['tracing']) {
  const policies = all.filter(({ protocol }) => protocol === 'http');
  const everywhere = rangesOf({ ...policies[0]!, ranges: [] })!;
  const match: FilterChainMatchJson = {
    destinationPort: port,
    prefixRanges: chainRanges(everywhere, all),
    transportProtocol: 'raw_buffer',
    ...(inspected ? { applicationProtocols: HTTP_PROTOCOLS } : {}),
  };
  return {
    name: egressChainName({ port, protocol: 'http' }),
    filterChainMatch: match,
    filters: [
      httpConnectionManager({
        routes: egressRoutesName(port),
        filters: {
          rbac: true,
          forwardProxy: policies.some((policy) => namesOf(policy).some(isWildcard)) ? FORWARD_PROXY_FILTER : undefined,
        },
        tracing,
        pathsMatter: policies.some(({ matches }) => matches.some(restrictsPath)),
        anyClient: true,
      }),
    ],
  };
}

/** The chain of a policy for TLS or plain TCP, on which connections pass unchanged to where they were going. */
function connectionChain(egress: EgressPort, all: readonly EgressPort[]): readonly FilterChainJson[] {
  const ranges = rangesOf(egress);
  const serverNames = namesOf(egress);
  // A policy with addresses or names of which none can be read means none, not all.
  if (ranges === undefined || (byServerName(egress) && serverNames.length === 0)) return [];
  return [
    {
      name: egressChainName(egress),
      filterChainMatch: {
        destinationPort: egress.port,
        prefixRanges: chainRanges(ranges, all),
        ...(byServerName(egress) ? { serverNames, transportProtocol: 'tls' } : {}),
      },
      filters: [tcpProxyTo(`egress-tcp-proxy.${egress.port}`, egressPortCluster(egress.port))],
    },
  ];
}

/**
 * The chain once more for what is not TLS. Beside a chain for HTTP, which is chosen among connections that are not TLS,
 * Envoy does not go back to chains that say nothing of it.
 */
function besideHttp(chain: FilterChainJson): readonly FilterChainJson[] {
  const { filterChainMatch: match, name } = chain;
  if (match?.transportProtocol !== undefined) return [];
  return [{ ...chain, name: `${name}.raw`, filterChainMatch: { ...match, transportProtocol: 'raw_buffer' } }];
}

/** The chains of all that egress policies let out on a port. */
export function egressChains(
  port: number,
  policies: readonly EgressPort[],
  inspected: InspectedPorts,
  tracing: ProxySettings['tracing'],
): readonly FilterChainJson[] {
  const http = policies.some(({ protocol }) => protocol === 'http');
  return [
    ...(http ? [httpChain(port, policies, inspected.http.includes(port), tracing)] : []),
    ...policies
      .filter(({ protocol }) => protocol !== 'http')
      .flatMap((egress) => connectionChain(egress, policies))
      .flatMap((chain) => (http ? [chain, ...besideHttp(chain)] : [chain])),
  ];
}
