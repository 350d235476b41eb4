import { any, type FilterChainJson, type Resource } from '@osm/envoy';
import { REFUSAL_LOG } from './access-log.ts';
import { ORIGINAL_DESTINATION } from './listener-filters.ts';
import { NAME, PROXY_PORT } from './names.ts';
import { rememberList } from './remember.ts';
import { listenerResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';

/** A client of the mesh speaks at once; who has not by then waits for the server to speak first. */
const SILENCE = '1s';

/**
 * The listener to which the pod's incoming connections are redirected. Undefined without chains: nothing then listens,
 * and callers get a refused connection at once.
 *
 * All but the chains is constant. Envoy replaces just the chains that differ and drains their connections alone, as
 * long as nothing else of a listener changes.
 */
const build = rememberList(
  (chains: readonly FilterChainJson[], silentClients: boolean): Resource =>
    listenerResource({
      name: NAME.inboundListener,
      address: { socketAddress: { address: '0.0.0.0', portValue: PROXY_PORT.inbound } },
      trafficDirection: 'INBOUND',
      listenerFilters: [
        // SNI and ALPN, which choose the chain. A client of the mesh speaks first in TLS, even where the application
        // will; who sends nothing is cut off when the time for that (Envoy's 15 s) is over.
        {
          name: 'envoy.filters.listener.tls_inspector',
          typedConfig: any('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}),
        },
        ORIGINAL_DESTINATION,
      ],
      ...(silentClients ? { listenerFiltersTimeout: SILENCE, continueOnListenerFiltersTimeout: true } : {}),
      filterChains: chains,
      tcpKeepalive: TCP_KEEPALIVE,
      accessLog: REFUSAL_LOG,
    }),
);

/**
 * See {@link build}; no two of the chains match the same. With `silentClients` a client that sends
 * nothing speaks plaintext: where plaintext is let in, and the application speaks first.
 */
export const inboundListener = (chains: readonly FilterChainJson[], silentClients = false): Resource | undefined =>
  chains.length === 0 ? undefined : build(chains, silentClients);
