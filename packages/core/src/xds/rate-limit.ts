import { type AnyOf, any, type NetworkFilterJson, type TokenBucketJson } from '@osm/envoy';
import type { HttpRateLimit, TokenBucket } from '../plan/types.ts';
import { seconds } from './duration.ts';

type HttpLocalRateLimit = AnyOf<'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'>;

const STAT_PREFIX = 'http_local_rate_limiter';

const tokenBucket = (bucket: TokenBucket): TokenBucketJson => ({
  maxTokens: bucket.maxTokens,
  tokensPerFill: bucket.tokensPerFill,
  fillInterval: seconds(bucket.fillIntervalSeconds),
});

const ALWAYS = Object.freeze({ defaultValue: { numerator: 100, denominator: 'HUNDRED' } } as const);

/** The filter's own configuration: without a bucket it limits nothing, so limits come and go with the routes. */
export const HTTP_RATE_LIMIT_INERT: HttpLocalRateLimit = any(
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
  { statPrefix: STAT_PREFIX },
);

/** A limit on the requests of a virtual host or a route, in place of an outer one. */
export function httpRateLimit(limit: HttpRateLimit): HttpLocalRateLimit {
  const headers = [{ name: 'x-envoy-ratelimited', value: 'true' }, ...limit.headersToAdd];
  return any('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
    statPrefix: STAT_PREFIX,
    tokenBucket: tokenBucket(limit),
    filterEnabled: ALWAYS,
    filterEnforced: ALWAYS,
    status: { code: limit.status as unknown as 'TooManyRequests' },
    responseHeadersToAdd: headers.map(({ name, value }) => ({
      header: { key: name, value },
      appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD',
    })),
  });
}

/** A limit on the connections of a chain; those beyond it are closed. */
export const networkRateLimit = (statPrefix: string, bucket: TokenBucket): NetworkFilterJson => ({
  name: 'l4_local_rate_limit',
  typedConfig: any('envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit', {
    statPrefix,
    tokenBucket: tokenBucket(bucket),
  }),
});
