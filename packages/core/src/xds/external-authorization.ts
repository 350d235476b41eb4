import { type AnyOf, any } from '@osm/envoy';
import type { ProxySettings } from '../plan/types.ts';
import { milliseconds } from './duration.ts';
import { NAME } from './names.ts';

/** Bytes of a request's body that the authorization service is shown at most. */
const MAX_BODY_BYTES = 8192;

/** Asks the mesh's authorization service about each request. */
export function externalAuthorization(
  settings: NonNullable<ProxySettings['externalAuthorization']>,
  protocol: 'http' | 'grpc',
): AnyOf<'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz'> {
  return any('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
    transportApiVersion: 'V3',
    statPrefix: settings.statPrefix,
    failureModeAllow: settings.failureModeAllow,
    grpcService: {
      envoyGrpc: { clusterName: NAME.authorizationCluster },
      timeout: milliseconds(settings.timeoutMs),
    },
    // To wait for a body would stop a gRPC stream whose client first wants an answer.
    ...(protocol === 'grpc' ? {} : { withRequestBody: { maxRequestBytes: MAX_BODY_BYTES, allowPartialMessage: true } }),
  });
}
