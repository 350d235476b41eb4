import { any, type HttpConnectionManagerJson } from '@osm/envoy';
import type { ProxySettings } from '../plan/types.ts';
import { NAME } from './names.ts';

/** Spans of every request, in Zipkin's JSON; what is sampled is for the collector and the applications to decide. */
export function zipkinTracing(
  tracing: NonNullable<ProxySettings['tracing']>,
): NonNullable<HttpConnectionManagerJson['tracing']> {
  return {
    verbose: true,
    provider: {
      name: 'envoy.tracers.zipkin',
      typedConfig: any('envoy.config.trace.v3.ZipkinConfig', {
        collectorCluster: NAME.tracingCluster,
        collectorEndpoint: tracing.endpoint,
        collectorEndpointVersion: 'HTTP_JSON',
        collectorHostname: tracing.address,
      }),
    },
  };
}
