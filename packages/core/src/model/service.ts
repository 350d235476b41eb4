import type { Protocol } from '../plan/types.ts';
import type { MeshObject } from './objects.ts';
import { protocolOf } from './protocol.ts';

/** A TCP port of a Service. */
export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** A number, or the name of a container port. */
  readonly target: number | string;
  readonly protocol: Protocol;
}

/** A Service, slim. */
export interface ServiceFacts {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly headless: boolean;
  /** Absent or empty: its endpoints are made by somebody else. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Addresses of the family that sidecars redirect: IPv4, or IPv6 when there is no other. */
  readonly clusterIPs: readonly string[];
  readonly ports: readonly ServicePort[];
}

interface Spec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: string;
    readonly targetPort?: number | string;
    readonly appProtocol?: string;
  }[];
}

/** Addresses of IPv4, or all when there are none of it: redirection is IPv4. */
export function preferIPv4(addresses: readonly string[]): readonly string[] {
  const v4 = addresses.filter((address) => !address.includes(':'));
  return v4.length > 0 ? v4 : addresses;
}

/** Reads a Service; undefined for those that only are a DNS alias (ExternalName). */
export function readService(object: MeshObject): ServiceFacts | undefined {
  const spec = (object.spec ?? {}) as Spec;
  if (spec.type === 'ExternalName') return undefined;
  const addresses = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const clusterIPs = addresses.filter((address) => address !== '' && address !== 'None');
  const ports = (spec.ports ?? [])
    .filter(({ protocol }) => protocol === undefined || protocol === 'TCP')
    .map(({ name = '', port, targetPort = port, appProtocol }) => ({
      name,
      port,
      target: targetPort === 0 || targetPort === '' ? port : targetPort,
      protocol: protocolOf(appProtocol, name),
    }))
    .sort((a, b) => a.port - b.port);
  return {
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    generation: object.metadata.generation ?? 0,
    headless: addresses.includes('None'),
    selector: spec.selector,
    clusterIPs: [...preferIPv4(clusterIPs)].sort(),
    ports,
  };
}

/** Whether a Service chooses its pods by labels. */
export const hasSelector = (
  service: ServiceFacts,
): service is ServiceFacts & { selector: Readonly<Record<string, string>> } =>
  service.selector !== undefined && Object.keys(service.selector).length > 0;
