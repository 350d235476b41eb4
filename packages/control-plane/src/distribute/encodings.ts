import type { ResourceMap } from '@osm/core';
import type { EncodedResource, Resource } from '@osm/envoy';
import type { Certificate } from '@osm/pki';
import type { Resources } from '../ads/difference.ts';
import type { ServiceIdentity } from '../identity/names.ts';
import type { Upstream } from './planner.ts';
import { inboundRoot, outboundRoot, serviceCerts } from './secrets.ts';

/** Layers of encoded resources: each is made once for all proxies that have it, and forgotten with its source. */
export interface Encodings {
  /** The resources of a layer. */
  resources(layer: ResourceMap): Resources;
  /** Certificate and roots of an identity. */
  own(identity: ServiceIdentity, certificate: Certificate, trust: string): Resources;
  /** What verifies the servers of the services. */
  roots(upstreams: readonly Upstream[], trust: string): Resources;
}

/** A value with the roots that it was made with. */
interface Trusting<T> {
  readonly trust: string;
  readonly value: T;
}

/** Remembers one value for each key; another when the roots changed. */
function rememberTrusting<Key extends object, T>(): (key: Key, trust: string, make: () => T) => T {
  const known = new WeakMap<Key, Trusting<T>>();
  return (key, trust, make) => {
    const found = known.get(key);
    if (found?.trust === trust) return found.value;
    const value = make();
    known.set(key, { trust, value });
    return value;
  };
}

/** Creates encodings; `encode` is called once for each resource. */
export function createEncodings(encode: (resource: Resource) => EncodedResource, trustDomain: string): Encodings {
  const encoded = new WeakMap<Resource, EncodedResource>();
  const layers = new WeakMap<ResourceMap, Resources>();
  const ownSecrets = rememberTrusting<Certificate, Resources>();
  const rootLayers = rememberTrusting<readonly Upstream[], Resources>();
  /** By the list of servers, then service: the list stays the same while the mesh around it changes. */
  const rootsByServers = rememberTrusting<readonly ServiceIdentity[], Map<string, EncodedResource>>();

  function encodeOnce(resource: Resource): EncodedResource {
    const known = encoded.get(resource);
    if (known !== undefined) return known;
    const made = encode(resource);
    encoded.set(resource, made);
    return made;
  }

  function rootOf({ service, servers }: Upstream, trust: string): EncodedResource {
    const byService = rootsByServers(servers, trust, () => new Map());
    const known = byService.get(service);
    if (known !== undefined) return known;
    const made = encode(outboundRoot(service, servers, trustDomain, trust));
    byService.set(service, made);
    return made;
  }

  const mapOf = (resources: readonly EncodedResource[]): Resources =>
    new Map(resources.map((resource) => [resource.name, resource]));

  return {
    resources(layer) {
      const known = layers.get(layer);
      if (known !== undefined) return known;
      const made = mapOf([...layer.values()].map(encodeOnce));
      layers.set(layer, made);
      return made;
    },
    own: (identity, certificate, trust) =>
      ownSecrets(certificate, trust, () =>
        mapOf([...serviceCerts(identity, certificate), inboundRoot(identity, trust)].map(encode)),
      ),
    roots: (upstreams, trust) =>
      rootLayers(upstreams, trust, () => mapOf(upstreams.map((upstream) => rootOf(upstream, trust)))),
  };
}
