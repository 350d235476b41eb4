import { type AccessLogJson, any, type HttpConnectionManagerJson, type NetworkFilterJson } from '@osm/envoy';
import type { ProxySettings } from '../plan/types.ts';
import { ACCESS_LOG } from './access-log.ts';
import { ADS } from './config-source.ts';
import { type HttpFilterChoice, httpFilters } from './http-filters.ts';
import { HTTP2 } from './protocol-options.ts';
import { zipkinTracing } from './tracing.ts';

/** What tells the HTTP connection managers of a proxy apart. */
export interface HttpConnectionManagerOptions {
  /** Name of the route configuration. */
  readonly routes: string;
  readonly filters: HttpFilterChoice;
  readonly tracing: ProxySettings['tracing'];
  /** Some rule tells paths apart. */
  readonly pathsMatter: boolean;
  /** Clients may be anything that speaks HTTP, rather than another proxy of the mesh. */
  readonly anyClient: boolean;
  /** Unless it is the usual one. */
  readonly accessLog?: readonly AccessLogJson[];
}

/**
 * `x-envoy-` headers steer the proxy itself: retries, time-outs, tracing, what counts as internal. Policies decide
 * these, so nothing that a client sends is taken for them. They go before anything reads them.
 */
const NO_STEERING = {
  name: 'envoy.http.early_header_mutation.header_mutation',
  typedConfig: any('envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
    mutations: [{ removeOnMatch: { keyMatcher: { prefix: 'x-envoy-' } } }],
  }),
};

/**
 * Paths are brought into their normal form (RFC 3986 §6.2.2), in which rules are written and applications read them.
 * Where a rule tells paths apart, nothing may be left that an application could read as another path: double slashes
 * become one, and `%2F` and `%5C` are refused with 400, as applications differ in whether `/a%2F..%2Fb` is `/b`.
 * Elsewhere applications get both as they were sent; they are part of names in package registries and object stores.
 */
const paths = (matter: boolean): HttpConnectionManagerJson => ({
  normalizePath: true,
  ...(matter
    ? { mergeSlashes: true, pathWithEscapedSlashesAction: 'REJECT_REQUEST' }
    : { pathWithEscapedSlashesAction: 'KEEP_UNCHANGED' }),
});

/** The network filter that speaks HTTP on a chain. */
export function httpConnectionManager(options: HttpConnectionManagerOptions): NetworkFilterJson {
  const { routes, filters, tracing, pathsMatter, anyClient, accessLog = ACCESS_LOG } = options;
  const json: HttpConnectionManagerJson = {
    statPrefix: `mesh-http-conn-manager.${routes}`,
    codecType: 'AUTO',
    rds: { routeConfigName: routes, configSource: ADS },
    httpFilters: httpFilters(filters),
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    http2ProtocolOptions: HTTP2,
    ...(anyClient ? { httpProtocolOptions: { acceptHttp10: true } } : {}),
    commonHttpProtocolOptions: {
      // Underscores are common in headers of applications, and rules name headers exactly.
      headersWithUnderscoresAction: 'ALLOW',
    },
    ...paths(pathsMatter),
    earlyHeaderMutationExtensions: [NO_STEERING],
    // The mesh is not the edge: x-forwarded-for stays what the edge made it, and no address is trusted for it.
    useRemoteAddress: false,
    internalAddressConfig: {},
    // Applications name themselves.
    serverHeaderTransformation: 'PASS_THROUGH',
    // Streams, long polls and WebSockets may be silent for long; a peer that is gone is found by keep-alives.
    streamIdleTimeout: '0s',
    // But a request that was begun has to become one.
    requestHeadersTimeout: '60s',
    accessLog,
    ...(tracing === undefined ? {} : { tracing: zipkinTracing(tracing) }),
  };
  return {
    name: 'http_connection_manager',
    typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', json),
  };
}
