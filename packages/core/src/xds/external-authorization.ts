import { type AnyOf, any, type MessageJson } from '@osm/envoy';
import type { ExternalAuthorization } from '../plan/types.ts';
import { milliseconds } from './duration.ts';
import { NAME } from './names.ts';

type ExtAuthzJson = MessageJson<'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz'>;

/** Bytes of a request's body that the authorization service is shown at most. */
const MAX_BODY_BYTES = 8192;

const exactly = (names: readonly string[]) => ({ patterns: names.map((exact) => ({ exact, ignoreCase: true })) });

type Asked = Pick<ExtAuthzJson, 'grpcService' | 'httpService' | 'allowedHeaders'>;

function asked({ at, http, timeoutMs }: ExternalAuthorization): Asked {
  const [cluster, timeout] = [NAME.authorizationCluster, milliseconds(timeoutMs)];
  if (http === undefined) return { grpcService: { envoyGrpc: { clusterName: cluster }, timeout } };
  const { pathPrefix, requestHeaders, upstreamHeaders, clientHeaders } = http;
  return {
    httpService: {
      serverUri: { uri: `http://${at?.address ?? cluster}:${at?.port ?? 80}`, cluster, timeout },
      pathPrefix,
      authorizationResponse: {
        allowedUpstreamHeaders: exactly(upstreamHeaders),
        // Envoy passes all of a denial on when no list is given.
        ...(clientHeaders && { allowedClientHeaders: exactly(clientHeaders) }),
      },
    },
    allowedHeaders: exactly(requestHeaders),
  };
}

/** Asks an authorization service about each request. */
export function externalAuthorization(
  settings: ExternalAuthorization,
  protocol: 'http' | 'grpc',
): AnyOf<'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz'> {
  return any('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
    transportApiVersion: 'V3',
    statPrefix: settings.statPrefix,
    failureModeAllow: settings.failureModeAllow,
    ...asked(settings),
    // To wait for a body would stop a gRPC stream whose client first wants an answer.
    ...(protocol === 'grpc' ? {} : { withRequestBody: { maxRequestBytes: MAX_BODY_BYTES, allowPartialMessage: true } }),
  });
}
