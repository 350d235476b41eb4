import type { EncodedResource, TypeUrl } from '@osm/envoy';
import type { Certificate } from '@osm/pki';

/** Everything one proxy should have: per type URL, resources by name. Maps are never mutated once handed over. */
export type ResourceSet = ReadonlyMap<TypeUrl, ReadonlyMap<string, EncodedResource>>;

/** A connected proxy as the ADS server sees it. */
export interface ProxyConnection {
  /** Unique per stream. */
  readonly connectionId: string;
  /** `node.id` of the first request: `<uuid>.sidecar.<sa>.<ns>.<trust domain>` for this mesh's bootstrap. */
  readonly nodeId: string;
  /** Subject CN of the peer certificate. */
  readonly commonName: string;
  /** URI SANs of the peer certificate. */
  readonly uris: readonly string[];
}

/** What the ADS server asks of, and tells, its owner. */
export interface AdsEvents {
  /** Decide whether this proxy may have a stream; throw an Error with the reason to refuse it (PERMISSION_DENIED). */
  connected(proxy: ProxyConnection): void;
  disconnected(proxy: ProxyConnection): void;
  /**
   * These resource versions are in force at the proxy: it took a response, or it told so itself when it reconnected
   * with resources that it had before. Empty after a response that only removed or denied.
   */
  acked(proxy: ProxyConnection, typeUrl: TypeUrl, versions: ReadonlyMap<string, string>): void;
  /**
   * The proxy refused these versions; `error` is Envoy's text. They are not offered again on this stream. A response with
   * several resources is taken apart first, so that the versions told are those that were refused alone.
   */
  nacked(proxy: ProxyConnection, typeUrl: TypeUrl, versions: ReadonlyMap<string, string>, error: string): void;
  /** Of these resources the proxy refused a version, and now has what it should have, or should have none. */
  recovered(proxy: ProxyConnection, typeUrl: TypeUrl, names: readonly string[]): void;
}

/** What an ADS server is made of (`createAdsServer(options)` in `ads/server.ts`). */
export interface AdsServerOptions {
  /** Shown to proxies; `trustPem` verifies their client certificates, which are mandatory. TLS 1.2 or newer. */
  readonly certificate: Certificate;
  readonly events: AdsEvents;
}

/** The delta ADS server. It knows resources, subscriptions, ACK and NACK, and nothing about meshes. */
export interface AdsServer {
  /** Binds and returns the port in use. */
  listen(address: string, port: number): Promise<number>;
  /**
   * Replaces what the proxy should have; only the difference is sent, make-before-break, newest state wins. Nothing is
   * sent before the first call. The endpoints of a cluster must bear the cluster's name: Envoy warms an updated cluster
   * up with endpoints that it does not ask for again, so they are sent again with it.
   */
  setResources(connectionId: string, resources: ResourceSet): void;
  /** Takes a renewed certificate (and roots) into use for new connections; open streams stay. */
  setCertificate(certificate: Certificate): void;
  /** Ends every stream, so that proxies reconnect to another replica. */
  close(): Promise<void>;
}
