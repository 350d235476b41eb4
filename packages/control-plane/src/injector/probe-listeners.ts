import { PORT } from '../surface.ts';
import type { ProbeListener } from './probes.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const ADMIN_CLUSTER = 'envoy-admin';

const clusterName = (kind: string, container: string): string => `${kind}_cluster_${container}`;
const onAll = (port: number): object => ({ socket_address: { address: '0.0.0.0', port_value: port } });

function httpListener(name: string, port: number, statPrefix: string, routes: readonly object[]): object {
  return {
    name,
    address: onAll(port),
    // The kubelet is no client of the mesh: its probes stay out of the data plane's overload limits.
    ignore_global_conn_limit: true,
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': HCM,
              stat_prefix: statPrefix,
              codec_type: 'AUTO',
              generate_request_id: false,
              route_config: { name: 'local_route', virtual_hosts: [{ name: 'local_service', domains: ['*'], routes }] },
              http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } }],
            },
          },
        ],
      },
    ],
  };
}

/** A listener that lets the kubelet ask whether the proxy has its configuration, and lets nobody ask anything else. */
export function readyListener(): object {
  return httpListener('ready_listener', PORT.proxyReady, 'proxy_ready', [
    { match: { path: '/ready' }, route: { cluster: ADMIN_CLUSTER, timeout: '1s' } },
  ]);
}

/** The listeners through which the kubelet's probes reach the application without mTLS. */
export function probeListeners(probes: readonly ProbeListener[]): readonly object[] {
  return probes.map((probe) => {
    if (probe.mode === 'http') {
      const routes = probe.routes.map((route) => ({
        match: { path: route.path },
        route: {
          cluster: clusterName(probe.kind, route.container),
          prefix_rewrite: route.originalPath,
          timeout: `${route.timeoutSeconds}s`,
        },
      }));
      return httpListener(`${probe.kind}_listener`, probe.port, 'health_probes_http', routes);
    }
    const name =
      probe.port < PORT.rawProbeFirst ? `${probe.kind}_listener` : `${probe.kind}_listener_${probe.container}`;
    return {
      name,
      address: onAll(probe.port),
      ignore_global_conn_limit: true,
      filter_chains: [
        {
          filters: [
            {
              name: 'envoy.filters.network.tcp_proxy',
              typed_config: {
                '@type': TCP_PROXY,
                stat_prefix: 'health_probes',
                cluster: clusterName(probe.kind, probe.container),
              },
            },
          ],
        },
      ],
    };
  });
}

function localCluster(name: string, port: number): object {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }],
        },
      ],
    },
  };
}

/** The clusters behind {@link probeListeners} and {@link readyListener}. */
export function probeClusters(probes: readonly ProbeListener[]): readonly object[] {
  return [
    localCluster(ADMIN_CLUSTER, PORT.proxyAdmin),
    ...probes.flatMap((probe) =>
      probe.mode === 'http'
        ? probe.routes.map((route) => localCluster(clusterName(probe.kind, route.container), route.targetPort))
        : [localCluster(clusterName(probe.kind, probe.container), probe.targetPort)],
    ),
  ];
}
