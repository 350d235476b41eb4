import type { MeshObject } from './objects.ts';

/** One endpoint of an EndpointSlice. */
export interface SliceEndpoint {
  readonly address: string;
  /** `unready` ones get no traffic, and tell only what will be. */
  readonly state: 'ready' | 'terminating' | 'unready';
  readonly hostname?: string;
  readonly zone?: string;
  /** Zones whose callers it is meant for; empty when nothing says so. */
  readonly zones: readonly string[];
  /** `<namespace>/<name>` of its pod, which is of the slice's namespace. */
  readonly pod?: string;
}

/** An EndpointSlice, slim. */
export interface SliceFacts {
  /** `<namespace>/<name>` of its Service. */
  readonly service: string;
  readonly ipv6: boolean;
  /** TCP ports by name; an unnamed port has the empty name. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
}

const SERVICE_NAME = 'kubernetes.io/service-name';

interface Slice {
  readonly addressType?: string;
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[] | null;
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[];
        readonly hostname?: string;
        readonly zone?: string;
        readonly hints?: { readonly forZones?: readonly { readonly name?: string }[] };
        readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
        readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
      }[]
    | null;
}

type Conditions = NonNullable<NonNullable<Slice['endpoints']>[number]['conditions']>;

/**
 * What an endpoint's conditions mean (discovery.k8s.io/v1 EndpointConditions): `ready` unset is ready, `serving` unset is
 * as `ready`. Endpoints that neither are ready nor still serve get no traffic.
 */
function stateOf({ ready = true, serving = ready, terminating = false }: Conditions): SliceEndpoint['state'] {
  if (terminating) return serving ? 'terminating' : 'unready';
  return ready ? 'ready' : 'unready';
}

/** Reads an EndpointSlice; undefined when it is of no Service, or of DNS names. */
export function readEndpointSlice(object: MeshObject): SliceFacts | undefined {
  const slice = object as unknown as Slice;
  const service = object.metadata.labels?.[SERVICE_NAME];
  if (service === undefined || slice.addressType === 'FQDN') return undefined;
  const namespace = object.metadata.namespace ?? '';
  const ports = (slice.ports ?? []).flatMap(({ name = '', port, protocol = 'TCP' }) =>
    port !== undefined && protocol === 'TCP' ? [{ name, port }] : [],
  );
  const endpoints = (slice.endpoints ?? []).flatMap(({ addresses, conditions, hostname, targetRef, zone, hints }) => {
    const state = stateOf(conditions ?? {});
    // Kubernetes defines the further addresses of an endpoint as equivalent to the first.
    const address = addresses?.[0];
    if (address === undefined) return [];
    const ours = targetRef?.kind === 'Pod' && (targetRef.namespace ?? namespace) === namespace;
    const pod = ours && targetRef.name ? `${namespace}/${targetRef.name}` : undefined;
    const hinted = (hints?.forZones ?? []).flatMap(({ name }) => name ?? []);
    const zones = hinted.length > 0 ? hinted : zone ? [zone] : [];
    return [
      {
        address,
        state,
        zones,
        ...(zone && { zone }),
        ...(hostname && { hostname }),
        ...(pod !== undefined && { pod }),
      },
    ];
  });
  return { service: `${namespace}/${service}`, ipv6: slice.addressType === 'IPv6', ports, endpoints };
}
