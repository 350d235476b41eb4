import type { Change, Informer } from '@osm/kube';
import { type EndpointSlice, isIPv4, SERVICE_NAME_LABEL, type Service } from './service-objects.ts';

/** What {@link ServiceDirectory} needs of an informer. */
export type Source<T extends Service | EndpointSlice> = Pick<Informer<T>, 'synced' | 'subscribe'>;

/**
 * Services with their EndpointSlices, by name and by address: the one view that name service and service addresses are
 * answered from. Tells its listeners which service (`namespace/name`) has changed.
 */
export class ServiceDirectory {
  private readonly services = new Map<string, Service>();
  private readonly slices = new Map<string, Map<string, EndpointSlice>>();
  private readonly byClusterIP = new Map<string, string>();
  private readonly byEndpoint = new Map<string, Map<string, number>>();
  private readonly perNamespace = new Map<string, number>();
  private readonly listeners = new Set<(key: string) => void>();

  /** Follows two informers; resolves when both have delivered their first list. */
  async follow(services: Source<Service>, slices: Source<EndpointSlice>): Promise<void> {
    services.subscribe((change) => this.onService(change));
    slices.subscribe((change) => this.onSlice(change));
    await Promise.all([services.synced, slices.synced]);
  }

  /** Calls back with the key of each service that has changed from now on. */
  onChange(listener: (key: string) => void): void {
    this.listeners.add(listener);
  }

  /** Keys of all services. */
  keys(): readonly string[] {
    return [...this.services.keys()];
  }

  get(key: string): Service | undefined {
    return this.services.get(key);
  }

  /** IPv4 slices of a service. */
  slicesOf(key: string): readonly EndpointSlice[] {
    return [...(this.slices.get(key)?.values() ?? [])].filter((slice) => (slice.addressType ?? 'IPv4') === 'IPv4');
  }

  hasNamespace(namespace: string): boolean {
    return this.perNamespace.has(namespace);
  }

  /** Key of the service whose ClusterIP it is. */
  serviceOfClusterIP(ip: string): string | undefined {
    return this.byClusterIP.get(ip);
  }

  /** Keys of the services that have an endpoint with this address. */
  servicesOfEndpoint(ip: string): readonly string[] {
    return [...(this.byEndpoint.get(ip)?.keys() ?? [])];
  }

  private onService(change: Change<Service>): void {
    const key = keyOf(change.object.metadata.namespace, change.object.metadata.name);
    const old = this.services.get(key);
    const oldIP = old?.spec?.clusterIP;
    if (oldIP !== undefined && this.byClusterIP.get(oldIP) === key) this.byClusterIP.delete(oldIP);
    const namespace = change.object.metadata.namespace ?? '';
    if (change.type === 'deleted') {
      if (this.services.delete(key)) count(this.perNamespace, namespace, -1);
    } else {
      if (!old) count(this.perNamespace, namespace, 1);
      this.services.set(key, change.object);
      const ip = change.object.spec?.clusterIP;
      if (isIPv4(ip)) this.byClusterIP.set(ip, key);
    }
    this.tell(key);
  }

  private onSlice(change: Change<EndpointSlice>): void {
    if (change.type === 'updated') this.removeSlice(change.old);
    if (change.type === 'deleted') this.removeSlice(change.object);
    else this.addSlice(change.object);
  }

  private addSlice(slice: EndpointSlice): void {
    const key = serviceOf(slice);
    if (key === undefined) return;
    const slices = this.slices.get(key) ?? new Map<string, EndpointSlice>();
    this.slices.set(key, slices);
    slices.set(slice.metadata.name, slice);
    for (const ip of addressesOf(slice)) {
      const keys = this.byEndpoint.get(ip) ?? new Map<string, number>();
      this.byEndpoint.set(ip, keys);
      count(keys, key, 1);
    }
    this.tell(key);
  }

  private removeSlice(slice: EndpointSlice): void {
    const key = serviceOf(slice);
    const slices = key === undefined ? undefined : this.slices.get(key);
    const known = slices?.get(slice.metadata.name);
    if (key === undefined || !slices || !known) return;
    slices.delete(slice.metadata.name);
    if (slices.size === 0) this.slices.delete(key);
    for (const ip of addressesOf(known)) {
      const keys = this.byEndpoint.get(ip);
      if (!keys) continue;
      count(keys, key, -1);
      if (keys.size === 0) this.byEndpoint.delete(ip);
    }
    this.tell(key);
  }

  private tell(key: string): void {
    for (const listener of this.listeners) listener(key);
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function serviceOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
  return name === undefined ? undefined : keyOf(slice.metadata.namespace, name);
}

function addressesOf(slice: EndpointSlice): readonly string[] {
  return (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next > 0) counts.set(key, next);
  else counts.delete(key);
}
