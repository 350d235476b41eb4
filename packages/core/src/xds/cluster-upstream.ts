import type { Resource } from '@osm/envoy';
import type { ProxySettings, Upstream } from '../plan/types.ts';
import { balancing } from './balancing.ts';
import { ADS } from './config-source.ts';
import { connectionLimits } from './connection-limits.ts';
import { outlierDetection } from './outlier-detection.ts';
import { clientProtocolOptions } from './protocol-options.ts';
import { remember } from './remember.ts';
import { clusterResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';
import { meshUpstreamTls } from './tls.ts';

const isHttp = ({ protocol }: Upstream): boolean => protocol === 'http' || protocol === 'grpc';

/** The cluster of a destination inside the mesh; the same for every workload that may call it. */
export const upstreamCluster = remember((upstream: Upstream, tls: ProxySettings['tls']): Resource => {
  const maxRequestsPerConnection = upstream.limits?.maxRequestsPerConnection;
  const http = {
    remote: true,
    ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
  };
  return clusterResource({
    name: upstream.key,
    type: 'EDS',
    edsClusterConfig: { edsConfig: ADS },
    ...balancing(upstream.balancing),
    ...connectionLimits(upstream.limits, upstream.retryBudget),
    ...(upstream.outlierDetection && { outlierDetection: outlierDetection(upstream.outlierDetection) }),
    commonLbConfig: {
      // Endpoints that are leaving are never fallen back to: the plan says who may be called.
      healthyPanicThreshold: { value: 0 },
      // Envoy would gather changes of health for a second, and an endpoint that leaves sends word by its health.
      updateMergeWindow: '0s',
    },
    // A removed endpoint is left at once; its connections end as their requests do.
    ignoreHealthOnHostRemoval: true,
    upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
    ...(isHttp(upstream) ? { typedExtensionProtocolOptions: clientProtocolOptions(http) } : {}),
    transportSocket: meshUpstreamTls(upstream, tls),
  });
});
