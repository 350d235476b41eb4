import { z } from 'zod';
import { count, headerName, oneOf, port, positiveDuration } from '../fields.ts';

/** Rate limits of an UpstreamTrafficSetting: counted by each proxy (`local`), or by a service that all ask (`global`). */

const unit = z.enum(['second', 'minute', 'hour']);
const failingStatus = () => z.int().min(400).max(599).optional().describe('429 unless set.');

const localTcp = z.object({ connections: count().min(1), unit, burst: count().optional() });

/** A limit that each proxy counts for itself. */
export const localHttp = z.object({
  requests: count().min(1),
  unit,
  burst: count().optional(),
  responseStatusCode: failingStatus(),
  responseHeadersToAdd: z.array(z.object({ name: z.string().min(1), value: z.string() })).optional(),
});

const asked = {
  rateLimitService: z
    .object({ host: z.string().min(1).max(253), port: port() })
    .describe("The service that counts: it speaks Envoy's rate limit protocol over gRPC."),
  domain: z.string().min(1).max(253).describe('The domain of its configuration.'),
  timeout: positiveDuration().optional().describe('How long to wait for it; 20ms unless set.'),
  failOpen: z.boolean().optional().describe('What passes when it does not answer: all (true, unless set) or nothing.'),
};

const tcpDescriptor = z.object({
  entries: z
    .array(z.object({ key: z.string().min(1), value: z.string().min(1) }))
    .min(1)
    .max(16),
});

const HEADER_TESTS = ['exact', 'prefix', 'suffix', 'regex', 'contains', 'present'] as const;
const headerTest = z
  .object({
    name: headerName(),
    exact: z.string().optional(),
    prefix: z.string().min(1).optional(),
    suffix: z.string().min(1).optional(),
    regex: z.string().min(1).max(1024).optional(),
    contains: z.string().min(1).optional(),
    present: z.boolean().optional(),
  })
  .refine(oneOf(...HEADER_TESTS), `must have one of ${HEADER_TESTS.join(', ')}`);

const ENTRIES = ['genericKey', 'remoteAddress', 'requestHeader', 'headerValueMatch'] as const;
const httpDescriptor = z.object({
  entries: z
    .array(
      z
        .object({
          genericKey: z.object({ value: z.string().min(1), key: z.string().min(1).optional() }).optional(),
          remoteAddress: z.object({}).optional().describe("The client's address, with key remote_address."),
          requestHeader: z
            .object({ name: headerName(), key: z.string().min(1) })
            .optional()
            .describe('A header; requests without it do not count.'),
          headerValueMatch: z
            .object({
              value: z.string().min(1),
              headers: z.array(headerTest).min(1).max(16),
              key: z.string().min(1).optional().describe('header_match unless set.'),
              expectMatch: z.boolean().optional().describe('true unless set.'),
            })
            .optional(),
        })
        .refine(oneOf(...ENTRIES), `must have one of ${ENTRIES.join(', ')}`),
    )
    .min(1)
    .max(16),
});
const httpDescriptors = z.array(httpDescriptor).min(1).max(16);

const globalTcp = z.object({ ...asked, descriptors: z.array(tcpDescriptor).min(1).max(16) });
const globalHttp = z.object({
  ...asked,
  descriptors: httpDescriptors.optional().describe('What is told of every request; httpRoutes may tell another.'),
  enableXRateLimitHeaders: z.boolean().optional().describe('Answers tell limit, rest and reset in x-ratelimit-*.'),
  responseStatusCode: failingStatus(),
});

/** Limits on all that comes in to a service. */
export const rateLimit = z.object({
  local: z.object({ tcp: localTcp.optional(), http: localHttp.optional() }).optional(),
  global: z.object({ tcp: globalTcp.optional(), http: globalHttp.optional() }).optional(),
});

/** Limits on requests of one path. */
export const routeRateLimit = z.object({
  local: localHttp.optional(),
  global: z.object({ descriptors: httpDescriptors }).optional().describe("In place of the host's own descriptors."),
});
