import {
  type AnyOf,
  any,
  type HeaderMatcherJson,
  type MessageJson,
  type NetworkFilterJson,
  type Resource,
} from '@osm/envoy';
import type {
  DescriptorEntry,
  GlobalHttpRateLimit,
  GlobalRateLimit,
  GlobalTcpRateLimit,
  HeaderTest,
  HttpDescriptors,
  InboundService,
} from '../plan/types.ts';
import { byName } from './cluster-named.ts';
import { connectionLimits } from './connection-limits.ts';
import { milliseconds } from './duration.ts';
import { rateLimitClusterName } from './names.ts';
import { HTTP2 } from './protocol-options.ts';
import { remember } from './remember.ts';
import { clusterResource } from './resource.ts';
import { TCP_KEEPALIVE } from './tcp-keepalive.ts';

type RateLimitJson = MessageJson<'envoy.config.route.v3.RateLimit'>;
type RateLimitAction = NonNullable<RateLimitJson['actions']>[number];
type HttpGlobalRateLimit = AnyOf<'envoy.extensions.filters.http.ratelimit.v3.RateLimit'>;

/** The service that counts, which speaks gRPC. */
const rateLimitCluster = remember((limit: GlobalRateLimit): Resource => {
  const name = rateLimitClusterName(limit);
  return clusterResource({
    name,
    ...byName(name, limit.host, limit.port, 'every'),
    ...connectionLimits(undefined),
    upstreamConnectionOptions: { tcpKeepalive: TCP_KEEPALIVE },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        { explicitHttpConfig: { http2ProtocolOptions: HTTP2 } },
      ),
    },
  });
});

/** The services that the limits of a port ask. */
export const rateLimitClusters = ({ globalTcpRateLimit, globalHttpRateLimit }: InboundService): readonly Resource[] =>
  [globalTcpRateLimit, globalHttpRateLimit].flatMap((limit) => (limit === undefined ? [] : [rateLimitCluster(limit)]));

const asking = (limit: GlobalRateLimit) => ({
  domain: limit.domain,
  timeout: milliseconds(limit.timeoutMs),
  failureModeDeny: !limit.failOpen,
  rateLimitService: {
    transportApiVersion: 'V3' as const,
    grpcService: { envoyGrpc: { clusterName: rateLimitClusterName(limit) }, timeout: milliseconds(limit.timeoutMs) },
  },
});

/** Asks about each request what virtual host and route tell of it. */
export const httpGlobalRateLimit = (limit: GlobalHttpRateLimit): HttpGlobalRateLimit =>
  any('envoy.extensions.filters.http.ratelimit.v3.RateLimit', {
    ...asking(limit),
    rateLimitedStatus: { code: limit.status as unknown as 'TooManyRequests' },
    ...(limit.tellLimits ? { enableXRatelimitHeaders: 'DRAFT_VERSION_03' as const } : {}),
  });

/** Asks about each connection; those beyond the limit are closed. */
export const networkGlobalRateLimit = (statPrefix: string, limit: GlobalTcpRateLimit): NetworkFilterJson => ({
  name: 'l4_global_rate_limit',
  typedConfig: any('envoy.extensions.filters.network.ratelimit.v3.RateLimit', {
    ...asking(limit),
    statPrefix,
    descriptors: limit.descriptors.map((entries) => ({ entries: entries.map(({ key, value }) => ({ key, value })) })),
  }),
});

function headerMatcher({ name, test, value }: HeaderTest): HeaderMatcherJson {
  if (test === 'present') return { name, presentMatch: value };
  return { name, stringMatch: test === 'regex' ? { safeRegex: { regex: value } } : { [test]: value } };
}

function action(entry: DescriptorEntry): RateLimitAction {
  switch (entry.from) {
    case 'text':
      return { genericKey: { descriptorKey: entry.key, descriptorValue: entry.value } };
    case 'address':
      return { remoteAddress: {} };
    case 'header':
      return { requestHeaders: { headerName: entry.name, descriptorKey: entry.key } };
    case 'headers': {
      const { key, value, expected, headers } = entry;
      const match = { descriptorKey: key, descriptorValue: value, expectMatch: expected };
      return { headerValueMatch: { ...match, headers: headers.map(headerMatcher) } };
    }
  }
}

/** What is told of requests. */
export const rateLimitActions = (descriptors: HttpDescriptors): readonly RateLimitJson[] =>
  descriptors.map((entries) => ({ actions: entries.map(action) }));
