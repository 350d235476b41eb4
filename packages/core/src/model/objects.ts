/** The raw input of the pure core: Kubernetes objects as the API server gives them, grouped by kind. */

/** The part of any Kubernetes object that the core relies on. */
export interface MeshObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly [field: string]: unknown;
}

/** Objects of one kind by `namespace/name` (`name` when cluster-scoped). Never mutated once handed over. */
export type ObjectsByKey = ReadonlyMap<string, MeshObject>;

/**
 * Everything the mesh is computed from. Only namespaces labelled `openservicemesh.io/monitored-by=<meshName>` take
 * part; the core filters, so callers may hand over more. An unchanged kind should be the same map as before.
 */
export interface MeshObjects {
  readonly meshName: string;
  /** Namespace of the control plane. */
  readonly osmNamespace: string;
  readonly trustDomain: string;
  readonly meshConfig: MeshObject | undefined;
  readonly namespaces: ObjectsByKey;
  readonly services: ObjectsByKey;
  readonly endpointSlices: ObjectsByKey;
  readonly pods: ObjectsByKey;
  readonly serviceAccounts: ObjectsByKey;
  readonly trafficTargets: ObjectsByKey;
  readonly httpRouteGroups: ObjectsByKey;
  readonly tcpRoutes: ObjectsByKey;
  readonly trafficSplits: ObjectsByKey;
  readonly egresses: ObjectsByKey;
  readonly ingressBackends: ObjectsByKey;
  readonly retries: ObjectsByKey;
  readonly upstreamTrafficSettings: ObjectsByKey;
  /** ConfigMaps and Secrets with authorities for TLS to outside the mesh, by `<kind>/<namespace>/<name>`. */
  readonly caBundles?: ObjectsByKey;
}
