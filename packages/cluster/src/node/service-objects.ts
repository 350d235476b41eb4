import type { KubeObject } from '@osm/kube';

/** The parts of core/v1 Service that the node reads. */
export interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly externalName?: string;
    readonly sessionAffinity?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly ports?: readonly ServicePort[];
  };
}

/** core/v1 ServicePort. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice extends KubeObject {
  readonly addressType?: string;
  readonly endpoints?: readonly SliceEndpoint[] | null;
  readonly ports?:
    | readonly { readonly name?: string | null; readonly port?: number | null; readonly protocol?: string | null }[]
    | null;
}

/** discovery.k8s.io/v1 Endpoint. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly hostname?: string | null;
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  };
}

/** Label of an EndpointSlice that names its service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Transport protocols the cluster forwards. */
export type Protocol = 'tcp' | 'udp';

/** `TCP`, `UDP` or absent (TCP) as the node writes it; undefined for what it does not forward. */
export function protocolOf(text: string | null | undefined): Protocol | undefined {
  if (text === undefined || text === null || text === '' || text === 'TCP') return 'tcp';
  return text === 'UDP' ? 'udp' : undefined;
}

/** An absent `ready` or `serving` means true (EndpointConditions, API reference). */
export function isReady(endpoint: SliceEndpoint): boolean {
  return endpoint.conditions?.ready ?? true;
}

/** True for an endpoint that still answers although its pod is on its way out. */
export function isServingTerminating(endpoint: SliceEndpoint): boolean {
  return (endpoint.conditions?.serving ?? isReady(endpoint)) && (endpoint.conditions?.terminating ?? false);
}

/** IPv4 dotted quad, the only addresses of the cluster. */
export function isIPv4(text: string | undefined): text is string {
  return text !== undefined && /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(text);
}
