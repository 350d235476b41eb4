import { any, type FilterChainJson, type ListenerFilterJson, type Resource } from '@osm/envoy';
import { REFUSAL_LOG } from './access-log.ts';
import { PASSTHROUGH, refusedChains } from './chain-passthrough.ts';
import { distinctChains } from './distinct-chains.ts';
import { ORIGINAL_DESTINATION, onlyOn } from './listener-filters.ts';
import { NAME, PROXY_PORT } from './names.ts';
import { rememberList } from './remember.ts';
import { listenerResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';
import { closeConnections } from './tcp-proxy.ts';

/** Ports on which the first bytes of a connection are needed to choose its chain. */
export interface InspectedPorts {
  /** For the server name of TLS. */
  readonly tls: readonly number[];
  /** For whether it is HTTP. */
  readonly http: readonly number[];
}

/**
 * Connections made to this very listener rather than redirected to it. Passing them on would bring them here again,
 * and again.
 */
const LOOP: FilterChainJson = Object.freeze({
  name: NAME.loopChain,
  filterChainMatch: {
    destinationPort: PROXY_PORT.outbound,
    prefixRanges: [{ addressPrefix: '127.0.0.0', prefixLen: 8 }],
  },
  filters: [closeConnections],
});

const TLS_INSPECTOR: ListenerFilterJson = {
  name: 'envoy.filters.listener.tls_inspector',
  typedConfig: any('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}),
};

const HTTP_INSPECTOR: ListenerFilterJson = {
  name: 'envoy.filters.listener.http_inspector',
  typedConfig: any('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector', {}),
};

/**
 * How long the first bytes are waited for where they matter. Whoever sends none by then is treated as neither TLS nor
 * HTTP, so that a server on such a port can still speak first.
 */
const INSPECTION_TIMEOUT = '0.500s';

const build = rememberList(
  (
    chains: readonly FilterChainJson[],
    meshAddresses: readonly string[] | undefined,
    tlsPorts: string,
    httpPorts: string,
  ): Resource => {
    const ports = (text: string): number[] => (text === '' ? [] : text.split(',').map(Number));
    const inspectors = [onlyOn(ports(tlsPorts), TLS_INSPECTOR), onlyOn(ports(httpPorts), HTTP_INSPECTOR)].filter(
      (filter) => filter !== undefined,
    );
    return listenerResource({
      name: NAME.outboundListener,
      address: { socketAddress: { address: '0.0.0.0', portValue: PROXY_PORT.outbound } },
      trafficDirection: 'OUTBOUND',
      // The inspectors are told apart by port, which is the proxy's own until the original destination is restored.
      listenerFilters: [ORIGINAL_DESTINATION, ...inspectors],
      ...(inspectors.length === 0
        ? {}
        : { listenerFiltersTimeout: INSPECTION_TIMEOUT, continueOnListenerFiltersTimeout: true }),
      filterChains: [...distinctChains(chains), ...refusedChains(chains, meshAddresses ?? [])],
      ...(meshAddresses === undefined ? {} : { defaultFilterChain: PASSTHROUGH }),
      // The pod's end is announced to its callers; its own calls go on to the last.
      drainType: 'MODIFY_ONLY',
      tcpKeepalive: TCP_KEEPALIVE,
      accessLog: REFUSAL_LOG,
    });
  },
);

/**
 * The listener to which the pod's outgoing connections are redirected; connections that no chain takes are closed.
 * Undefined when there is nowhere to go: nothing then listens, and applications get a refused connection at once,
 * which is a clearer answer than one that is accepted and closed, and never one to wait for.
 */
export function outboundListener(
  chains: readonly FilterChainJson[],
  meshAddresses: readonly string[] | undefined,
  inspected: InspectedPorts,
): Resource | undefined {
  if (chains.length === 0 && meshAddresses === undefined) return undefined;
  return build([LOOP, ...chains], meshAddresses, inspected.tls.join(), inspected.http.join());
}
