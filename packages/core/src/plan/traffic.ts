/** Parts of a plan that say how much traffic passes, and what is done for it when it fails. */

/** Tokens that refill (UpstreamTrafficSetting `rateLimit.local`). */
export interface TokenBucket {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalSeconds: number;
}

/** A local rate limit on requests. */
export interface HttpRateLimit extends TokenBucket {
  /** Status of a limited request; 429 unless set. */
  readonly status: number;
  readonly headersToAdd: readonly { readonly name: string; readonly value: string }[];
}

/** A rate limit that a service of the mesh's users counts (UpstreamTrafficSetting `rateLimit.global`). */
export interface GlobalRateLimit {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly timeoutMs: number;
  /** What passes when the service does not answer: all, or nothing. */
  readonly failOpen: boolean;
}

/** A global rate limit on connections: what is told of each. */
export interface GlobalTcpRateLimit extends GlobalRateLimit {
  readonly descriptors: readonly (readonly { readonly key: string; readonly value: string }[])[];
}

/** A test of a header's value. */
export type HeaderTest =
  | {
      readonly name: string;
      readonly test: 'exact' | 'prefix' | 'suffix' | 'regex' | 'contains';
      readonly value: string;
    }
  | { readonly name: string; readonly test: 'present'; readonly value: boolean };

/** A part of what is told of a request. */
export type DescriptorEntry =
  | { readonly from: 'text'; readonly key: string; readonly value: string }
  | { readonly from: 'address' }
  | { readonly from: 'header'; readonly name: string; readonly key: string }
  | {
      readonly from: 'headers';
      readonly key: string;
      readonly value: string;
      readonly headers: readonly HeaderTest[];
      readonly expected: boolean;
    };

/** What is told of a request; each is counted apart. An entry that a request has nothing for leaves its descriptor out. */
export type HttpDescriptors = readonly (readonly DescriptorEntry[])[];

/** A global rate limit on requests. */
export interface GlobalHttpRateLimit extends GlobalRateLimit {
  readonly descriptors: HttpDescriptors;
  readonly status: number;
  /** Answers carry `x-ratelimit-limit`, `-remaining` and `-reset`. */
  readonly tellLimits: boolean;
}

/** Failures made on purpose. Shares are whole percents. */
export interface FaultPlan {
  readonly delay?: { readonly ms: number; readonly percent: number };
  readonly abort?: { readonly status: number; readonly percent: number };
}

/** Repeating failed requests (Retry, or the mesh's own policy for failed connections). */
export interface RetryPlan {
  /** Envoy's `retry_on` list. */
  readonly on: string;
  readonly retries: number;
  readonly perTryTimeoutMs?: number;
  readonly baseIntervalMs: number;
}

/** How many retries may be under way towards an upstream: so many for a hundred requests under way, or so many at least. */
export interface RetryBudget {
  readonly percent: number;
  readonly minConcurrency: number;
}

/** How long calls may take; 0 is for ever, and absent is the mesh's default, which is for ever too. */
export interface Timeouts {
  readonly requestMs?: number;
  readonly idleMs?: number;
}

/** What calls have in common that go to one endpoint. */
export type Affinity =
  | { readonly by: 'header'; readonly name: string }
  | { readonly by: 'cookie'; readonly name: string; readonly ttlMs: number; readonly path: string }
  | { readonly by: 'source-address' };

/** Limits of connections to an upstream (UpstreamTrafficSetting `connectionSettings`). */
export interface ConnectionLimits {
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly maxRequests?: number;
  readonly maxRequestsPerConnection?: number;
  readonly maxPendingRequests?: number;
  readonly maxRetries?: number;
}

/** When an endpoint that fails is left out for a while. */
export interface OutlierDetection {
  /** 0 is off. */
  readonly consecutive5xx: number;
  /** 0 is off. */
  readonly consecutiveGatewayErrors: number;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionPercent: number;
}

/** How calls are spread over endpoints; absent is in turn. */
export type Balancing =
  | { readonly mode: 'maglev' | 'ring-hash' }
  | { readonly mode: 'slow-start'; readonly windowMs: number; readonly minWeightPercent: number };
