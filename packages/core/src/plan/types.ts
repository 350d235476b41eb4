/**
 * The ProxyPlan: what one proxy has to do, in the mesh's own terms. It is the spine of the control plane: policies are
 * folded into it, Envoy resources are translated from it, and the evaluator walks it.
 *
 * Every part is frozen, and the same object as before while nothing changed for it, across snapshots and across proxies
 * alike. Translators memoise on that, so a part must hold all that its resource is made from, and nothing more.
 */

import type {
  Affinity,
  Balancing,
  ConnectionLimits,
  FaultPlan,
  GlobalHttpRateLimit,
  GlobalTcpRateLimit,
  HttpDescriptors,
  HttpRateLimit,
  OutlierDetection,
  RetryBudget,
  RetryPlan,
  Timeouts,
  TokenBucket,
} from './traffic.ts';

export type * from './traffic.ts';

/** A workload identity: its service account (`spiffe://<trust domain>/<service account>/<namespace>`). */
export interface Identity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** A Kubernetes Service, or one pod of a headless one: then `name` is `<hostname>.<service>`. */
export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
}

/** An object, and where in it, that made a part of the plan so; `explain` and statuses read it. */
export interface Origin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** The generation that is stored and cannot be read; `generation` is the last good one, which stays in force. */
  readonly unreadable?: number;
  /** `spec.rules[0].matches[1]`, `spec.backends`. */
  readonly field: string;
}

/** Application protocols that the mesh tells apart. `grpc` is `http` for the proxy; server-first TCP must not be sniffed. */
export type Protocol = 'http' | 'grpc' | 'tcp' | 'tcp-server-first';

/** A request matcher (SMI HTTPRouteGroup match, TrafficSplit match). All given parts must hold. */
export interface HttpMatch {
  /** RE2, matched against the whole path without query; `.*` is any. */
  readonly path: string;
  /** Upper-case methods, sorted; undefined is any. */
  readonly methods?: readonly string[];
  /** RE2 against the whole value, sorted by name; a name given twice must hold twice. Name `:authority` is the host. */
  readonly headers: readonly { readonly name: string; readonly regex: string }[];
}

/** A rule that lets identities make some requests. */
export interface HttpRule {
  readonly match: HttpMatch;
  /** Sorted by namespace, then service account; never empty. */
  readonly sources: readonly Identity[];
  readonly origins: readonly Origin[];
}

/** A rule that lets identities open connections. */
export interface TcpRule {
  /** Target ports; undefined is any TCP port of the workload. */
  readonly ports?: readonly number[];
  readonly sources: readonly Identity[];
  readonly origins: readonly Origin[];
}

/**
 * Who may call a workload. `any`: every workload of the mesh (permissive mode). `rules`: what no rule lets in is denied;
 * HTTP rules never open a TCP port, and TCP rules never open an HTTP port.
 */
export type Access =
  | { readonly mode: 'any' }
  | { readonly mode: 'rules'; readonly http: readonly HttpRule[]; readonly tcp: readonly TcpRule[] };

/** Access by rules. */
export type RuleAccess = Extract<Access, { readonly mode: 'rules' }>;

/** One port of one service that the proxied workload serves: one inbound filter chain. */
export interface InboundService {
  readonly service: ServiceRef;
  /** The Service's port, which clients dial. */
  readonly port: number;
  /** The port on which the application listens. */
  readonly targetPort: number;
  readonly protocol: Protocol;
  /** SNI by which clients ask for it: `<service>.<namespace>.svc.cluster.local`. */
  readonly serverName: string;
  readonly access: Access;
  /** Rules that are tried: what they would refuse is counted and logged, and `access` decides. */
  readonly audit?: RuleAccess;
  /** Plaintext is let in too, whoever sends it, while clients get sidecars. */
  readonly plaintext?: true;
  readonly tcpRateLimit?: TokenBucket;
  readonly httpRateLimit?: HttpRateLimit;
  /** Limits of single paths, by the path regex they name. */
  readonly routeRateLimits?: readonly { readonly path: string; readonly limit: HttpRateLimit }[];
  readonly globalTcpRateLimit?: GlobalTcpRateLimit;
  readonly globalHttpRateLimit?: GlobalHttpRateLimit;
  /** What is told of requests of single paths, in place of the limit's own. */
  readonly routeDescriptors?: readonly { readonly path: string; readonly descriptors: HttpDescriptors }[];
  readonly fault?: FaultPlan;
  readonly routeFaults?: readonly { readonly path: string; readonly fault: FaultPlan }[];
}

/** Who may come in from outside the mesh (IngressBackend): one inbound chain for one backend port. */
export interface IngressService {
  readonly service: ServiceRef;
  readonly targetPort: number;
  /** CIDRs, sorted; empty is any address. */
  readonly sourceRanges: readonly string[];
  /** Undefined is plain HTTP. */
  readonly tls?: {
    readonly sniHosts: readonly string[];
    /** Names of certificates that are let in; undefined: client certificates are not asked for. */
    readonly principals?: readonly string[];
  };
  /** Requests that are let in; undefined is all. */
  readonly matches?: readonly HttpMatch[];
  readonly origins: readonly Origin[];
}

/** Where a part of the traffic goes. */
export interface Destination {
  /** Key of an {@link Upstream} of the same plan. */
  readonly upstream: string;
  /** Relative; 0 gets nothing. The weights of a route never sum to 0. */
  readonly weight: number;
}

/** One alternative of an outbound service; the first whose match holds is taken. */
export interface OutboundRoute {
  /** Undefined matches everything. */
  readonly match?: HttpMatch;
  /** In order of the object that names them; empty: there is nowhere to go (answered with 503 or a closed connection). */
  readonly destinations: readonly Destination[];
  readonly retry?: RetryPlan;
  readonly timeouts?: Timeouts;
  /** Of a TCP port only `source-address` is there. */
  readonly affinity?: Affinity;
  readonly origins: readonly Origin[];
}

/** One port of one service that the workload may call: one outbound filter chain, chosen by address and port. */
export interface OutboundService {
  readonly service: ServiceRef;
  readonly port: number;
  readonly protocol: Protocol;
  /** ClusterIPs, or pod addresses of a headless service; sorted, without prefix length. */
  readonly addresses: readonly string[];
  /** At least one; the last matches everything. */
  readonly routes: readonly OutboundRoute[];
}

/** A destination inside the mesh: one cluster. Endpoints are apart, as they change far more often. */
export interface Upstream {
  /** `<namespace>/<service>|<target port>`: name of the cluster and of its load assignment. */
  readonly key: string;
  readonly service: ServiceRef;
  readonly targetPort: number;
  readonly protocol: Protocol;
  readonly serverName: string;
  /** Service accounts that may answer for the service, sorted; empty: nobody may. */
  readonly servers: readonly Identity[];
  readonly limits?: ConnectionLimits;
  /** Present where a Retry policy leads here; it stands in place of `limits.maxRetries`. */
  readonly retryBudget?: RetryBudget;
  readonly outlierDetection?: OutlierDetection;
  readonly balancing?: Balancing;
  /** Endpoints of the caller's zone come first. */
  readonly preferSameZone?: boolean;
}

/** A place where an upstream answers. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** `draining` endpoints get no new requests, but keep those they have. */
  readonly health: 'healthy' | 'draining';
  /** Called only as far as those without it are not well: it is in another zone than the caller. */
  readonly fallback?: boolean;
}

/** The endpoints of one upstream, sorted by address and port: one load assignment. */
export interface Assignment {
  readonly upstream: string;
  readonly endpoints: readonly Endpoint[];
}

/** A destination outside the mesh (Egress policy). */
export interface EgressPort {
  readonly port: number;
  readonly protocol: 'http' | 'https' | 'tcp' | 'tcp-server-first';
  /** Names, for `http` by Host and for `https` by SNI; a leading `*.` matches any labels. */
  readonly hosts: readonly string[];
  /** CIDRs; empty is any address. */
  readonly ranges: readonly string[];
  /** Requests that are let out, for `http`; a single `.*` when the policy names none. */
  readonly matches: readonly HttpMatch[];
  readonly limits?: ConnectionLimits;
  /** The sidecar speaks TLS to the hosts; `http` only, and no host has a wildcard. */
  readonly tls?: EgressTls;
  readonly origins: readonly Origin[];
}

/** TLS that the sidecar speaks to a host outside the mesh. */
export interface EgressTls {
  readonly port: number;
  /** Name that the host must prove; the host's own unless set. */
  readonly serverName?: string;
  /** PEM of the authorities to trust; undefined: those that the sidecar's image brings. */
  readonly caPem?: string;
}

/** What applies to the whole proxy (MeshConfig). */
export interface ProxySettings {
  readonly tls: {
    /** Envoy's names: `TLSv1_2`, … */
    readonly minVersion: string;
    readonly maxVersion: string;
    readonly cipherSuites: readonly string[];
    readonly ecdhCurves: readonly string[];
  };
  readonly tracing?: { readonly address: string; readonly port: number; readonly endpoint: string };
  readonly externalAuthorization?: ExternalAuthorization;
}

/** A service that is asked about every request that comes in. */
export interface ExternalAuthorization {
  /** Undefined: it is wanted, and nobody knows where it is; all requests are denied. */
  readonly at?: { readonly address: string; readonly port: number };
  readonly statPrefix: string;
  readonly timeoutMs: number;
  readonly failureModeAllow: boolean;
  /** Present when it is asked by plain HTTP. Names of headers are lower case. */
  readonly http?: {
    readonly pathPrefix: string;
    readonly requestHeaders: readonly string[];
    readonly upstreamHeaders: readonly string[];
    /** Undefined is all. */
    readonly clientHeaders?: readonly string[];
  };
}

/** What one proxy has to do. Proxies that are alike (same identity, same services) share one plan. */
export interface ProxyPlan {
  readonly identity: Identity;
  readonly trustDomain: string;
  readonly settings: ProxySettings;
  /** Sorted by target port, then service. */
  readonly inbound: readonly InboundService[];
  readonly ingress: readonly IngressService[];
  /** Sorted by service, then port. */
  readonly outbound: readonly OutboundService[];
  /** By {@link Upstream.key}: every upstream that `outbound` names. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** By the same keys. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  readonly egress: readonly EgressPort[];
  /** What nothing matches passes through unchanged (`enableEgress`); otherwise it is refused. */
  readonly passthrough: boolean;
  /**
   * Addresses of the mesh's services, sorted; empty without passthrough. They never pass through: a call that `outbound` does not
   * take is refused here, and not sent to a workload of the mesh in plaintext.
   */
  readonly meshAddresses: readonly string[];
  /** The proxy's metrics are served on port 15010. */
  readonly metrics: boolean;
}
