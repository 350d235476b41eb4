import type { Identity, ServiceRef } from '../plan/types.ts';
import type { SliceEndpoint, SliceFacts } from './endpoint-slice.ts';
import { byText, objectKey, sortIdentities, upstreamKey } from './names.ts';
import { hasSelector, preferIPv4, type ServiceFacts, type ServicePort } from './service.ts';
import type { MeshEndpoint, MeshService, Workload } from './snapshot.ts';

/** An endpoint with the pod that it is, when that is known. */
export interface ResolvedEndpoint {
  readonly endpoint: SliceEndpoint;
  readonly ports: SliceFacts['ports'];
  readonly pod: Workload | undefined;
}

/** All that comes from one Service: its ports, their endpoints, and the pods behind it. */
export interface ServiceView {
  /** By name in the mesh: the Service, and `<hostname>.<service>` for pods with hostnames. */
  readonly services: ReadonlyMap<string, readonly MeshService[]>;
  readonly endpoints: ReadonlyMap<string, readonly MeshEndpoint[]>;
  /** Pods (`<namespace>/<name>`) by name in the mesh. */
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** Endpoints of one address family: IPv4 when there is any, as sidecars redirect that. */
export function resolveEndpoints(
  slices: readonly SliceFacts[],
  podOf: (endpoint: SliceEndpoint) => Workload | undefined,
): readonly ResolvedEndpoint[] {
  const v4 = slices.filter(({ ipv6 }) => !ipv6);
  return (v4.length > 0 ? v4 : slices).flatMap(({ endpoints, ports }) =>
    endpoints.map((endpoint) => ({ endpoint, ports, pod: podOf(endpoint) })),
  );
}

/** The number of a port's target: given, or that of the endpoints, or that of the pods, or else the port's own. */
function targetOf(port: ServicePort, resolved: readonly ResolvedEndpoint[], pods: readonly Workload[]): number {
  const { target } = port;
  if (typeof target === 'number') return target;
  const numbers = resolved.flatMap(({ ports }) => ports.filter(({ name }) => name === port.name).map((at) => at.port));
  if (numbers.length === 0) for (const pod of pods) numbers.push(...(pod.ports[target] ? [pod.ports[target]] : []));
  return numbers.length > 0 ? Math.min(...numbers) : port.port;
}

function endpointsOf(port: ServicePort, resolved: readonly ResolvedEndpoint[]): readonly MeshEndpoint[] {
  const places = new Map<string, MeshEndpoint>();
  for (const { endpoint, ports, pod } of resolved) {
    const { address, state, zone, zones } = endpoint;
    if (state === 'unready') continue;
    for (const { name, port: number } of ports) {
      if (name !== port.name) continue;
      const place = `${address} ${number}`;
      // An endpoint may be in two slices for a moment (discovery.k8s.io/v1); ready is the newer truth.
      if (places.get(place)?.state === 'ready') continue;
      places.set(place, {
        address,
        port: number,
        state,
        ...(zone !== undefined && { zone }),
        ...(zones.length > 0 && { zones }),
        ...(pod && { identity: pod.identity }),
      });
    }
  }
  return [...places.values()].sort((a, b) => byText(a.address, b.address) || a.port - b.port);
}

const reachable = (resolved: readonly ResolvedEndpoint[]): readonly string[] => {
  const addresses = resolved
    .filter(({ endpoint }) => endpoint.state !== 'unready')
    .map(({ endpoint }) => endpoint.address);
  return preferIPv4([...new Set(addresses)].sort(byText));
};

interface Draft {
  readonly ref: ServiceRef;
  readonly resolved: readonly ResolvedEndpoint[];
  readonly pods: readonly Workload[];
  readonly addresses: readonly string[];
}

/** The Service itself, then one for each hostname. */
function* drafts(
  facts: ServiceFacts,
  resolved: readonly ResolvedEndpoint[],
  selected: readonly Workload[],
): Generator<Draft> {
  const { namespace, name, headless, clusterIPs } = facts;
  const podsOf = (some: readonly ResolvedEndpoint[]): Workload[] => some.flatMap(({ pod }) => pod ?? []);
  const named = Map.groupBy(
    headless ? resolved.filter(({ endpoint }) => endpoint.hostname !== undefined) : [],
    ({ endpoint }) => endpoint.hostname ?? '',
  );
  yield {
    ref: { namespace, name },
    resolved,
    pods: [...selected, ...podsOf(resolved)],
    addresses: headless ? reachable(resolved) : clusterIPs,
  };
  for (const [hostname, some] of [...named].sort(([a], [b]) => byText(a, b))) {
    yield {
      ref: { namespace, name: `${hostname}.${name}` },
      resolved: some,
      pods: podsOf(some),
      addresses: reachable(some),
    };
  }
}

/**
 * Puts a Service together with its endpoints and pods. `selected` are the pods that its selector chooses. A headless
 * Service whose pods have hostnames is one service for each of them besides, as each has a DNS name of its own
 * (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id). A Service without selector
 * whose endpoints are all outside the mesh is not of the mesh.
 */
export function viewService(
  facts: ServiceFacts,
  resolved: readonly ResolvedEndpoint[],
  selected: readonly Workload[],
): ServiceView {
  const services = new Map<string, readonly MeshService[]>();
  const endpoints = new Map<string, readonly MeshEndpoint[]>();
  const members = new Map<string, readonly string[]>();
  // Hand-made endpoints that are no pods of the mesh (such as the API server's) have no sidecar to talk to.
  const foreign = !hasSelector(facts) && resolved.length > 0 && resolved.every(({ pod }) => pod === undefined);
  if (foreign) return { services, endpoints, members };
  const parent: ServiceRef = { namespace: facts.namespace, name: facts.name };
  for (const draft of drafts(facts, resolved, selected)) {
    const { ref, pods, addresses } = draft;
    const servers: readonly Identity[] = sortIdentities(pods.map(({ identity }) => identity));
    const key = objectKey(ref.namespace, ref.name);
    services.set(
      key,
      facts.ports.map((port) => {
        const targetPort = targetOf(port, draft.resolved, pods);
        const upstream = upstreamKey(ref, targetPort);
        if (!endpoints.has(upstream)) endpoints.set(upstream, endpointsOf(port, draft.resolved));
        return {
          service: ref,
          parent,
          generation: facts.generation,
          port: port.port,
          portName: port.name,
          targetPort,
          ...(typeof port.target === 'string' && { targetPortName: port.target }),
          protocol: port.protocol,
          addresses,
          upstream,
          servers,
        };
      }),
    );
    const keys = new Set(pods.map(({ namespace, name }) => objectKey(namespace, name)));
    if (keys.size > 0) members.set(key, [...keys].sort(byText));
  }
  return { services, endpoints, members };
}
