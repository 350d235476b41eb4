import { type MeshConfigSpec, parseDuration } from '@osm/api';
import type { ProxySettings } from './types.ts';

/** What MeshConfig says of every proxy, with Open Service Mesh's defaults. */
export function settingsOf(config: MeshConfigSpec, osmNamespace: string): ProxySettings {
  const { sidecar, observability, traffic } = config;
  const { tracing } = observability;
  const external = traffic.inboundExternalAuthorization;
  return {
    tls: {
      minVersion: sidecar.tlsMinProtocolVersion,
      maxVersion: sidecar.tlsMaxProtocolVersion,
      cipherSuites: sidecar.cipherSuites ?? [],
      ecdhCurves: sidecar.ecdhCurves ?? [],
    },
    ...(tracing?.enable && {
      tracing: {
        address: tracing.address || `jaeger.${osmNamespace}.svc.cluster.local`,
        port: tracing.port ?? 9411,
        endpoint: tracing.endpoint || '/api/v2/spans',
      },
    }),
    ...(external?.enable &&
      external.address &&
      external.port !== undefined && {
        externalAuthorization: {
          address: external.address,
          port: external.port,
          statPrefix: external.statPrefix || 'inboundExtAuthz',
          timeoutMs: parseDuration(external.timeout ?? '1s') ?? 1000,
          failureModeAllow: external.failureModeAllow,
        },
      }),
  };
}
