/**
 * Envoy resources as data. The control plane writes resources in protobuf's canonical JSON form (the form of Envoy's
 * own documentation), typed by generated `…Json` types; `encode` turns them into the bytes that ADS sends.
 */

/** Type URLs of the xDS resources this project serves (Envoy: "xDS REST and gRPC protocol"). */
export const TYPE_URL = Object.freeze({
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const);

/** One of the served type URLs. */
export type TypeUrl = (typeof TYPE_URL)[keyof typeof TYPE_URL];

/** A resource before encoding: `json` is canonical protobuf JSON, every `Any` carrying its `@type`. */
export interface Resource {
  readonly typeUrl: TypeUrl;
  readonly name: string;
  readonly json: object;
}

/** A resource ready to send. `version` is a hash of `bytes`, so equal content has an equal version everywhere. */
export interface EncodedResource {
  readonly typeUrl: TypeUrl;
  readonly name: string;
  readonly version: string;
  /** The serialized resource message (the `value` of the Any). */
  readonly bytes: Uint8Array;
}
