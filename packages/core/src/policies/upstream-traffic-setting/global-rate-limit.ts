import { parseDuration, type UpstreamTrafficSettingSpec } from '@osm/api';
import type {
  DescriptorEntry,
  GlobalHttpRateLimit,
  GlobalRateLimit,
  GlobalTcpRateLimit,
  HeaderTest,
  HttpDescriptors,
  InboundService,
} from '../../plan/types.ts';

type Spec = UpstreamTrafficSettingSpec;
type Limits = NonNullable<NonNullable<Spec['rateLimit']>['global']>;
type Http = NonNullable<Limits['http']>;
type Entry = NonNullable<Http['descriptors']>[number]['entries'][number];
type WrittenTest = NonNullable<Entry['headerValueMatch']>['headers'][number];

/** Global limits that a service's workloads put on what comes in. */
export type InboundGlobalLimits = Pick<
  InboundService,
  'globalTcpRateLimit' | 'globalHttpRateLimit' | 'routeDescriptors'
>;

/** Defaults of Open Service Mesh 1.3: 20 ms, and what cannot be asked about passes. */
const TIMEOUT_MS = 20;

const serviceOf = ({
  rateLimitService,
  domain,
  timeout,
  failOpen,
}: NonNullable<Limits['tcp']> | Http): GlobalRateLimit => ({
  host: rateLimitService.host,
  port: rateLimitService.port,
  domain,
  timeoutMs: Math.max(1, Math.round(parseDuration(timeout ?? '') ?? TIMEOUT_MS)),
  failOpen: failOpen ?? true,
});

function testOf({ name, exact, prefix, suffix, regex, contains, present }: WrittenTest): HeaderTest {
  const lower = name.toLowerCase();
  const tests = Object.entries({ exact, prefix, suffix, regex, contains });
  for (const [test, value] of tests) {
    if (value !== undefined) return { name: lower, test: test as 'exact', value };
  }
  return { name: lower, test: 'present', value: present ?? true };
}

function entryOf({ genericKey, requestHeader, headerValueMatch }: Entry): DescriptorEntry {
  if (genericKey !== undefined) return { from: 'text', key: genericKey.key ?? 'generic_key', value: genericKey.value };
  if (requestHeader !== undefined) {
    return { from: 'header', name: requestHeader.name.toLowerCase(), key: requestHeader.key };
  }
  if (headerValueMatch !== undefined) {
    const { key = 'header_match', value, headers, expectMatch = true } = headerValueMatch;
    return { from: 'headers', key, value, headers: headers.map(testOf), expected: expectMatch };
  }
  return { from: 'address' };
}

const descriptorsOf = (descriptors: Http['descriptors']): HttpDescriptors =>
  (descriptors ?? []).map(({ entries }) => entries.map(entryOf));

const tcpLimitOf = (limit: NonNullable<Limits['tcp']>): GlobalTcpRateLimit => ({
  ...serviceOf(limit),
  descriptors: limit.descriptors.map(({ entries }) => entries),
});

const httpLimitOf = (limit: Http): GlobalHttpRateLimit => ({
  ...serviceOf(limit),
  descriptors: descriptorsOf(limit.descriptors),
  status: limit.responseStatusCode ?? 429,
  tellLimits: limit.enableXRateLimitHeaders ?? false,
});

/** The global rate limits of a setting. Descriptors of paths without a service to ask have no effect. */
export function globalLimitsOf({ rateLimit, httpRoutes = [] }: Spec): InboundGlobalLimits {
  const { tcp, http } = rateLimit?.global ?? {};
  const routes = httpRoutes.flatMap(({ path, rateLimit: own }) =>
    own?.global === undefined ? [] : [{ path, descriptors: descriptorsOf(own.global.descriptors) }],
  );
  return {
    ...(tcp && { globalTcpRateLimit: tcpLimitOf(tcp) }),
    ...(http && { globalHttpRateLimit: httpLimitOf(http) }),
    ...(http && routes.length > 0 && { routeDescriptors: routes }),
  };
}
