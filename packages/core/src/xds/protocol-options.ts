import { any, type MessageJson } from '@osm/envoy';

/**
 * HTTP/2 of both sides: bounded, as whatever a peer may keep open costs memory here. A stream may have 256 KiB under
 * way, a connection 1 MiB, which fills a 4 Gbit/s link at 2 ms. CONNECT with `:protocol` carries WebSockets (RFC 8441).
 */
export const HTTP2: MessageJson<'envoy.config.core.v3.Http2ProtocolOptions'> = Object.freeze({
  maxConcurrentStreams: 1000,
  initialStreamWindowSize: 262_144,
  initialConnectionWindowSize: 1_048_576,
  allowConnect: true,
});

/** HTTP/2 towards another pod: pings find a peer that is gone without a word, on which streams would hang. */
const HTTP2_WITH_PINGS = Object.freeze({ ...HTTP2, connectionKeepalive: { interval: '60s', timeout: '10s' } });

/** What a cluster's HTTP connections are limited to, besides HTTP's own. */
export interface HttpConnectionOptions {
  readonly maxRequestsPerConnection?: number;
  readonly idleTimeout?: string;
  /** The peer may vanish without closing its connections; false for the application in the same pod. */
  readonly remote: boolean;
}

/** Options of a cluster that speaks the version of HTTP its clients speak: HTTP/1.1, gRPC and h2c all pass unchanged. */
export function clientProtocolOptions(
  options: HttpConnectionOptions,
): NonNullable<MessageJson<'envoy.config.cluster.v3.Cluster'>['typedExtensionProtocolOptions']> {
  const { maxRequestsPerConnection, idleTimeout, remote } = options;
  const common = {
    ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
  };
  return {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        ...(Object.keys(common).length === 0 ? {} : { commonHttpProtocolOptions: common }),
        useDownstreamProtocolConfig: {
          httpProtocolOptions: {},
          http2ProtocolOptions: remote ? HTTP2_WITH_PINGS : HTTP2,
        },
      },
    ),
  };
}
