import { identityKey, serverNameOf } from '../model/names.ts';
import { type Stage, stage } from '../model/sharing.ts';
import type { MeshService, Policies, PolicyFault, Snapshot } from '../model/snapshot.ts';
import { type AccessTable, foldAccess } from '../policies/access/access.ts';
import { DEFAULT_RETRY, foldRetries, type RetryTable } from '../policies/retry/retry.ts';
import { foldSplits, routesOf, type SplitTable } from '../policies/split/split.ts';
import { settingsOf } from './settings.ts';
import type { OutboundRoute, OutboundService, ProxySettings, Upstream } from './types.ts';

type Services = Snapshot['services'];

/** An outbound service with the port it is for. */
export interface OutboundPort {
  readonly port: MeshService;
  readonly outbound: OutboundService;
}

/** What the policies make of the mesh as a whole; the parts that proxies choose from. */
export interface Blueprint {
  readonly settings: Stage<[Snapshot['config'], string], ProxySettings>;
  readonly access: Stage<[Policies['trafficTargets'], Policies['httpRouteGroups'], Policies['tcpRoutes']], AccessTable>;
  readonly splits: Stage<[Policies['trafficSplits'], Policies['httpRouteGroups']], SplitTable>;
  readonly retries: Stage<[Policies['retries']], RetryTable>;
  /** Ports that can be called, by service name; sorted. */
  readonly outbound: Stage<[Services, SplitTable], ReadonlyMap<string, readonly OutboundPort[]>>;
  /** By {@link Upstream.key}. */
  readonly upstreams: Stage<[Services], ReadonlyMap<string, Upstream>>;
  /** Names of the services behind which each identity stands. */
  readonly served: Stage<[Services], ReadonlyMap<string, readonly string[]>>;
}

const isHttp = ({ protocol }: MeshService): boolean => protocol === 'http' || protocol === 'grpc';

function outboundPort(port: MeshService, splits: SplitTable, services: Services): OutboundPort {
  const routes = routesOf(port, splits, services).map(
    (route): OutboundRoute => (isHttp(port) ? { ...route, retry: DEFAULT_RETRY } : route),
  );
  const { service, protocol, addresses } = port;
  return { port, outbound: { service, port: port.port, protocol, addresses, routes } };
}

function outboundPorts(services: Services, splits: SplitTable): ReadonlyMap<string, readonly OutboundPort[]> {
  const outbound = new Map<string, readonly OutboundPort[]>();
  for (const [name, ports] of services) {
    // Without an address there is nothing that a client could dial.
    const callable = ports.filter(({ addresses }) => addresses.length > 0);
    if (callable.length > 0)
      outbound.set(
        name,
        callable.map((port) => outboundPort(port, splits, services)),
      );
  }
  return outbound;
}

function upstreamsOf(services: Services): ReadonlyMap<string, Upstream> {
  const upstreams = new Map<string, Upstream>();
  for (const ports of services.values()) {
    for (const { upstream, service, targetPort, protocol, servers } of ports) {
      // Two ports of a Service may have one target; the first then speaks for it.
      if (upstreams.has(upstream)) continue;
      const serverName = serverNameOf(service);
      upstreams.set(upstream, { key: upstream, service, targetPort, protocol, serverName, servers });
    }
  }
  return upstreams;
}

function servedBy(services: Services): ReadonlyMap<string, readonly string[]> {
  const served = new Map<string, string[]>();
  for (const [name, ports] of services) {
    for (const identity of ports[0]?.servers ?? []) {
      const key = identityKey(identity);
      const known = served.get(key);
      if (known) known.push(name);
      else served.set(key, [name]);
    }
  }
  return served;
}

/** Folds a snapshot; a part whose inputs did not change since `former` is the same object. */
export function drawBlueprint(snapshot: Snapshot, former: Blueprint | undefined): Blueprint {
  const { policies, services } = snapshot;
  const { trafficTargets, httpRouteGroups, tcpRoutes, trafficSplits, retries } = policies;
  const splits = stage(former?.splits, [trafficSplits, httpRouteGroups], foldSplits);
  return {
    settings: stage(former?.settings, [snapshot.config, snapshot.osmNamespace], settingsOf),
    access: stage(former?.access, [trafficTargets, httpRouteGroups, tcpRoutes], foldAccess),
    splits,
    retries: stage(former?.retries, [retries], foldRetries),
    outbound: stage(former?.outbound, [services, splits.output], outboundPorts),
    upstreams: stage(former?.upstreams, [services], upstreamsOf),
    served: stage(former?.served, [services], servedBy),
  };
}

/** Faults of single objects, and of references between them. */
export function blueprintFaults(snapshot: Snapshot, blueprint: Blueprint): readonly PolicyFault[] {
  return [...snapshot.faults, ...blueprint.access.output.faults, ...blueprint.splits.output.faults];
}
