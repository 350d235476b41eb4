import { podAuthorizer } from './authorizer.ts';
import { readMtls } from './mtls.ts';
import type { MeshObject } from './objects.ts';
import type { Workload } from './snapshot.ts';

const PROXY_UUID = 'osm-proxy-uuid';
const SCRAPE = 'prometheus.io/scrape';

interface PodFields {
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly hostNetwork?: boolean;
    readonly containers?: readonly {
      readonly ports?: readonly {
        readonly name?: string;
        readonly containerPort?: number;
        readonly protocol?: string;
      }[];
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
  };
}

/** Reads a Pod; undefined when it has ended. */
export function readWorkload(object: MeshObject): Workload | undefined {
  const { spec = {}, status = {} } = object as unknown as PodFields;
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  const { namespace = '', name, labels = {}, annotations } = object.metadata;
  const ports: Record<string, number> = {};
  for (const container of spec.containers ?? []) {
    for (const port of container.ports ?? []) {
      if (port.name === undefined || port.containerPort === undefined) continue;
      if ((port.protocol ?? 'TCP') === 'TCP') ports[port.name] ??= port.containerPort;
    }
  }
  const addresses = status.podIPs?.flatMap(({ ip }) => ip ?? []) ?? (status.podIP ? [status.podIP] : []);
  const proxyUuid = labels[PROXY_UUID];
  // The injector refuses values that are wrong.
  const authorizer = podAuthorizer(object);
  const { setting: mtls } = readMtls(annotations);
  return {
    namespace,
    name,
    // The API server fills the name in; an empty one means this account (ServiceAccount admission).
    identity: { namespace, serviceAccount: spec.serviceAccountName || 'default' },
    labels,
    addresses,
    hostNetwork: spec.hostNetwork === true,
    ...(proxyUuid !== undefined && { proxyUuid }),
    metrics: annotations?.[SCRAPE] === 'true',
    ports,
    ...(mtls && { mtls }),
    ...(authorizer !== undefined && { authorizer }),
  };
}
