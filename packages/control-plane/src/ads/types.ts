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
  /** The proxy took the response: these resource versions are in force there. */
  acked(proxy: ProxyConnection, typeUrl: TypeUrl, versions: ReadonlyMap<string, string>): void;
  /** The proxy refused the response; `error` is Envoy's text. The refused versions are not offered again. */
  nacked(proxy: ProxyConnection, typeUrl: TypeUrl, versions: ReadonlyMap<string, string>, error: string): void;
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
  /** Replaces what the proxy should have; only the difference is sent, make-before-break, newest state wins. */
  setResources(connectionId: string, resources: ResourceSet): void;
  /** Takes a renewed certificate (and roots) into use for new connections; open streams stay. */
  setCertificate(certificate: Certificate): void;
  /** Ends every stream, so that proxies reconnect to another replica. */
  close(): Promise<void>;
}
