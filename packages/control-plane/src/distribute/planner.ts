import type { MeshObjects, PolicyFault, ResourceLayers } from '@osm/core';
import type { ServiceIdentity } from '../identity/names.ts';
import type { ProxyPod } from './connections.ts';

/** A proxy to be configured. */
export interface PlannedProxy {
  readonly uuid: string;
  readonly identity: ServiceIdentity;
  /** Undefined when no pod is known: the proxy gets what its identity may reach, and serves nothing. */
  readonly pod: ProxyPod | undefined;
}

/** A service that a proxy may call, with the identities that may answer for it. */
export interface Upstream {
  /** `namespace/name`. */
  readonly service: string;
  readonly servers: readonly ServiceIdentity[];
}

/**
 * What a proxy must have, without key material. The same object is returned for every proxy that needs the same, and
 * for the same proxy as long as nothing changed for it; `upstreams` and the large layers are the same objects for all
 * proxies that may go to the same places.
 */
export interface ProxyConfiguration {
  readonly resources: ResourceLayers;
  readonly upstreams: readonly Upstream[];
}

/** Computes configurations from the watched objects; the pure core behind one small interface. */
export interface Planner {
  /** Takes a new state of the world. */
  update(objects: MeshObjects): void;
  /** The proxy's configuration in that state; undefined before the first update. */
  configure(proxy: PlannedProxy): ProxyConfiguration | undefined;
  /** What is wrong with the policies of that state; the same list while nothing about it changed. */
  faults(): readonly PolicyFault[];
}
