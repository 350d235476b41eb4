import type { Change, KubeObject } from '@osm/kube';
import type { Source } from '../service-directory.ts';
import type { EndpointSlice, Service } from '../service-objects.ts';
import { SERVICE_NAME_LABEL } from '../service-objects.ts';

/** An informer fed by hand. */
export class Listing<T extends KubeObject> {
  readonly synced: Promise<void> = Promise.resolve();
  private readonly objects = new Map<string, T>();
  private readonly listeners = new Set<(change: Change<T>) => void>();

  subscribe(listener: (change: Change<T>) => void): () => void {
    this.listeners.add(listener);
    for (const object of this.objects.values()) listener({ type: 'added', object });
    return () => this.listeners.delete(listener);
  }

  /** Adds or replaces. */
  put(...objects: readonly T[]): void {
    for (const object of objects) {
      const key = keyOf(object);
      const old = this.objects.get(key);
      this.objects.set(key, object);
      for (const listener of this.listeners)
        listener(old ? { type: 'updated', object, old } : { type: 'added', object });
    }
  }

  remove(object: T): void {
    this.objects.delete(keyOf(object));
    for (const listener of this.listeners) listener({ type: 'deleted', object });
  }
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

/** Listings of both kinds, typed as the directory takes them. */
export function listings(): {
  services: Listing<Service> & Source<Service>;
  slices: Listing<EndpointSlice> & Source<EndpointSlice>;
} {
  return { services: new Listing<Service>(), slices: new Listing<EndpointSlice>() };
}

/** A service in `shop`. */
export function service(name: string, spec: NonNullable<Service['spec']>): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec };
}

/** A slice of a service in `shop`. */
export function slice(
  name: string,
  of: string,
  endpoints: EndpointSlice['endpoints'],
  ports: EndpointSlice['ports'],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'shop', labels: { [SERVICE_NAME_LABEL]: of } },
    addressType: 'IPv4',
    endpoints: endpoints ?? [],
    ports: ports ?? [],
  };
}
