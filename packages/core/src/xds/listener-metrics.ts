import { any, type HttpConnectionManagerJson } from '@osm/envoy';
import { connectionLimits } from './connection-limits.ts';
import { httpFilters } from './http-filters.ts';
import { NAME, PROXY_PORT } from './names.ts';
import { clusterResource, listenerResource } from './resource.ts';

const PATH = '/stats/prometheus';

const MANAGER: HttpConnectionManagerJson = {
  statPrefix: NAME.metricsListener,
  codecType: 'AUTO',
  generateRequestId: false,
  routeConfig: {
    name: 'prometheus-inbound',
    virtualHosts: [
      {
        name: 'prometheus-inbound-virtual-host',
        domains: ['*'],
        // The administration interface can stop the proxy and shows all that it knows: just this path, just to read.
        routes: [
          {
            match: { path: PATH, headers: [{ name: ':method', stringMatch: { exact: 'GET' } }] },
            route: { cluster: NAME.metricsCluster, timeout: '30s' },
          },
        ],
      },
    ],
  },
  httpFilters: httpFilters({}),
};

/** Serves the proxy's metrics to Prometheus, which is no client of the mesh. */
export const METRICS_LISTENER = listenerResource({
  name: NAME.metricsListener,
  address: { socketAddress: { address: '0.0.0.0', portValue: PROXY_PORT.metrics } },
  trafficDirection: 'INBOUND',
  ignoreGlobalConnLimit: true,
  filterChains: [
    {
      filters: [
        {
          name: 'http_connection_manager',
          typedConfig: any(
            'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            MANAGER,
          ),
        },
      ],
    },
  ],
});

/** The proxy's administration interface, where its metrics are. */
export const METRICS_CLUSTER = clusterResource({
  name: NAME.metricsCluster,
  type: 'STATIC',
  ...connectionLimits(undefined),
  loadAssignment: {
    clusterName: NAME.metricsCluster,
    endpoints: [
      {
        lbEndpoints: [
          { endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: PROXY_PORT.admin } } } },
        ],
      },
    ],
  },
});
