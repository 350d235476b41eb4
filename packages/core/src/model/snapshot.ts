import type {
  EgressSpec,
  HTTPRouteGroupSpec,
  IngressBackendSpec,
  MeshConfigSpec,
  RetrySpec,
  TCPRouteSpec,
  TrafficSplitSpec,
  TrafficTargetSpec,
  UpstreamTrafficSettingSpec,
} from '@osm/api';
import type { HttpMatch, Identity, Protocol, ServiceRef } from '../plan/types.ts';
import type { MtlsSetting } from './mtls.ts';
import type { NamespaceTraffic } from './namespace-traffic.ts';

/** An object of the cluster, as statuses and proofs name it. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** The generation that is stored and cannot be read; `generation` is the last good one, which stays in force. */
  readonly unreadable?: number;
}

/**
 * A fault of a policy. The last good version of what is faulty stays in force, and without one it is left out;
 * everything else is in force.
 */
export interface PolicyFault {
  readonly object: ObjectRef;
  /** `spec.rules[0].name`. */
  readonly field: string;
  readonly message: string;
  /** The last good version of what the field says stays in force. */
  readonly kept?: true;
}

/** A policy that could be read. */
export interface Policy<Spec> {
  readonly object: ObjectRef;
  readonly spec: Spec;
}

/** One TCP port of one Service, or of one pod with a hostname of its own behind a headless Service. */
export interface MeshService {
  readonly service: ServiceRef;
  /** The Service that it comes from; the same as `service` but for pods with hostnames. */
  readonly parent: ServiceRef;
  readonly generation: number;
  readonly port: number;
  readonly portName: string;
  readonly targetPort: number;
  /** The name by which the Service gives its target port; each pod may resolve it to a number of its own. */
  readonly targetPortName?: string;
  readonly protocol: Protocol;
  /** Where clients dial: ClusterIPs, or the pods' addresses when headless; sorted. */
  readonly addresses: readonly string[];
  /** Name of its cluster. */
  readonly upstream: string;
  /** Service accounts of the pods behind it, sorted. */
  readonly servers: readonly Identity[];
}

/** A place where a service answers. */
export interface MeshEndpoint {
  readonly address: string;
  readonly port: number;
  /** `terminating` ones still serve. Those that are not ready are not here. */
  readonly state: 'ready' | 'terminating';
  /** The topology zone that it is in. */
  readonly zone?: string;
  /** Zones whose callers it is meant for: the EndpointSlice's hints, or else its own zone. */
  readonly zones?: readonly string[];
  /** Identity of the pod; undefined when no pod of the mesh is known for it. */
  readonly identity?: Identity;
}

/** A pod of the mesh. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly identity: Identity;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** The node's network is the pod's: it has no sidecar and no address of its own. */
  readonly hostNetwork: boolean;
  /** Value of the label that the injector writes. */
  readonly proxyUuid?: string;
  /** Prometheus scrapes the pod. */
  readonly metrics: boolean;
  /** Named TCP ports of its containers. */
  readonly ports: Readonly<Record<string, number>>;
  /** What its own annotations say of plaintext. */
  readonly mtls?: MtlsSetting;
  /** The authorization service that it names. */
  readonly authorizer?: string;
}

/** Matches of a route group by name. A name given twice is the last one. */
export interface RouteGroup {
  readonly matches: ReadonlyMap<string, { readonly match: HttpMatch; readonly field: string }>;
}

/** A TrafficTarget; `audit` when it is tried without being in force. */
export interface TrafficTargetPolicy extends Policy<TrafficTargetSpec> {
  readonly audit?: true;
}

/** Policies that could be read, by `<namespace>/<name>`, sorted. */
export interface Policies {
  readonly trafficTargets: ReadonlyMap<string, TrafficTargetPolicy>;
  readonly httpRouteGroups: ReadonlyMap<string, Policy<HTTPRouteGroupSpec> & RouteGroup>;
  readonly tcpRoutes: ReadonlyMap<string, Policy<TCPRouteSpec>>;
  readonly trafficSplits: ReadonlyMap<string, Policy<TrafficSplitSpec>>;
  readonly egresses: ReadonlyMap<string, Policy<EgressSpec>>;
  readonly ingressBackends: ReadonlyMap<string, Policy<IngressBackendSpec>>;
  readonly retries: ReadonlyMap<string, Policy<RetrySpec>>;
  readonly upstreamTrafficSettings: ReadonlyMap<string, Policy<UpstreamTrafficSettingSpec>>;
}

/** The mesh at one moment: immutable, and sharing every part that did not change with the snapshot before. */
export interface Snapshot {
  /** Counts the snapshots that differ. */
  readonly version: number;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly trustDomain: string;
  /** MeshConfig with its defaults; those alone when there is none. */
  readonly config: MeshConfigSpec;
  /** The MeshConfig that was read. */
  readonly configObject: ObjectRef | undefined;
  /** Namespaces of the mesh. */
  readonly namespaces: ReadonlySet<string>;
  /** What namespaces say of calls to their workloads, by name; those that say nothing are absent. */
  readonly traffic: ReadonlyMap<string, NamespaceTraffic>;
  /** Ports of each service by `<namespace>/<name>`, sorted; the ports by number. */
  readonly services: ReadonlyMap<string, readonly MeshService[]>;
  /** Endpoints by {@link MeshService.upstream}, sorted by address and port. */
  readonly endpoints: ReadonlyMap<string, readonly MeshEndpoint[]>;
  /** Pods by `<namespace>/<name>`. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** Names in `services` of those that each pod stands behind, sorted; pods behind none are absent. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  readonly policies: Policies;
  /** Authorities for TLS to outside the mesh: texts by key, by `<kind>/<namespace>/<name>` of what holds them. */
  readonly caBundles: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Faults found in single objects, in order of kind, namespace and name. */
  readonly faults: readonly PolicyFault[];
}
