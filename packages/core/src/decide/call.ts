import type { Identity, Origin, ServiceRef } from '../plan/types.ts';

/** A caller without a sidecar. */
export interface Outsider {
  /** Where it calls from; an unknown address is in no range. */
  readonly address?: string;
  /** Undefined: it speaks plain text. */
  readonly tls?: { readonly serverName?: string; readonly principal?: string };
}

/** A call that a workload might make. */
export interface Call {
  /** A service account of the mesh, or somebody outside. */
  readonly source: Identity | { readonly outside: Outsider };
  readonly destination: {
    /** What is dialled: a service of the mesh, or an address. */
    readonly to: ServiceRef | { readonly address: string };
    readonly port: number;
    /** Host header or SNI; that of the service unless given. */
    readonly host?: string;
  };
  /** What the caller speaks; gRPC is `http` with method POST. */
  readonly protocol: 'http' | 'tcp';
  /** GET unless given. */
  readonly method?: string;
  /** `/` unless given; a query is not looked at. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `denied`: policies do not let it through. `not-routed`: there is nowhere for it to go. */
export type Verdict = 'allowed' | 'denied' | 'not-routed';

/** What becomes of one part of the traffic. */
export interface Outcome {
  /** Cluster that it goes to. */
  readonly upstream: string;
  /** Relative to the other parts. */
  readonly weight: number;
  readonly verdict: Verdict;
}

/** A step of the proof, in the order in which the proxies take it. */
export interface Step {
  /** An `audit` decides on nothing: it tells what rules that are tried would say. */
  readonly stage: 'route' | 'split' | 'authentication' | 'authorization' | 'audit';
  readonly text: string;
  /** The object that made it so; absent where no object says anything, which is where defaults hold. */
  readonly origin?: Origin;
}

/** The rule that came closest to letting a denied call through. */
export interface NearestMiss {
  /** The rule; absent when the destination has no rule at all. */
  readonly origins: readonly Origin[];
  /** What does not hold, such as `method POST is not GET`. */
  readonly failed: readonly string[];
  /** The smallest change of policies that lets the call through, and what else it would let through is for its author to judge. */
  readonly change: string;
}

/** The answer on a call. */
export interface Decision {
  /** `allowed` only when every part of the traffic is; `distribution` tells the parts apart. */
  readonly verdict: Verdict;
  readonly distribution: readonly Outcome[];
  readonly proof: readonly Step[];
  /** Only with a call that policies deny. */
  readonly nearestMiss?: NearestMiss;
}
