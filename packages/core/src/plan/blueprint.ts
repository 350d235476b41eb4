import { byText, identityKey, serverNameOf } from '../model/names.ts';
import { type OpenNamespaces, openNamespaces } from '../model/namespace-traffic.ts';
import { isHttp } from '../model/protocol.ts';
import { type Stage, stage } from '../model/sharing.ts';
import type { MeshService, Policies, PolicyFault, Snapshot } from '../model/snapshot.ts';
import { type AccessTable, foldAccess } from '../policies/access/access.ts';
import { type EgressTable, foldEgress } from '../policies/egress/egress.ts';
import { foldIngress, type IngressTable } from '../policies/ingress/ingress.ts';
import { DEFAULT_RETRY, foldRetries, type RetryTable } from '../policies/retry/retry.ts';
import { absentServices } from '../policies/split/absent.ts';
import { foldSplits, routesOf, type SplitTable } from '../policies/split/split.ts';
import {
  foldLimits,
  type LimitTable,
  limitsOf,
} from '../policies/upstream-traffic-setting/upstream-traffic-setting.ts';
import { type CallTable, callTable, routesWith } from './calls.ts';
import { authorizerFaults, type SettingsTable, settingsOf } from './settings.ts';
import type { OutboundRoute, OutboundService, Upstream } from './types.ts';

type Services = Snapshot['services'];

/** An outbound service with the port it is for. */
export interface OutboundPort {
  readonly port: MeshService;
  readonly outbound: OutboundService;
}

/** What the policies make of the mesh as a whole; the parts that proxies choose from. */
export interface Blueprint {
  readonly settings: Stage<[Snapshot['config'], string], SettingsTable>;
  /** Namespaces whose workloads let every workload of the mesh in. */
  readonly open: Stage<[Snapshot['config'], Snapshot['namespaces'], Snapshot['traffic']], OpenNamespaces>;
  readonly access: Stage<[Policies['trafficTargets'], Policies['httpRouteGroups'], Policies['tcpRoutes']], AccessTable>;
  readonly splits: Stage<[Policies['trafficSplits'], Policies['httpRouteGroups']], SplitTable>;
  /** Services that splits name and that are not there. */
  readonly absent: Stage<[Policies['trafficSplits'], Services], readonly PolicyFault[]>;
  readonly retries: Stage<[Policies['retries']], RetryTable>;
  /** Ports that can be called, by service name; sorted. */
  readonly outbound: Stage<[Services, SplitTable, LimitTable], ReadonlyMap<string, readonly OutboundPort[]>>;
  /** By {@link Upstream.key}. */
  readonly upstreams: Stage<[Services, LimitTable], ReadonlyMap<string, Upstream>>;
  readonly limits: Stage<[Policies['upstreamTrafficSettings']], LimitTable>;
  readonly egress: Stage<
    [Policies['egresses'], Policies['httpRouteGroups'], Policies['upstreamTrafficSettings'], Snapshot['caBundles']],
    EgressTable
  >;
  readonly ingress: Stage<
    [Policies['ingressBackends'], Services, Snapshot['endpoints'], Policies['httpRouteGroups']],
    IngressTable
  >;
  /** Addresses at which clients dial services, sorted. */
  readonly addresses: Stage<[Services], readonly string[]>;
  /** Names of the services behind which each identity stands. */
  readonly served: Stage<[Services], ReadonlyMap<string, readonly string[]>>;
}

function outboundPort(port: MeshService, splits: SplitTable, services: Services, settings: CallTable): OutboundPort {
  const plain = routesOf(port, splits, services).map(
    (route): OutboundRoute => (isHttp(port.protocol) ? { ...route, retry: DEFAULT_RETRY } : route),
  );
  const { service, protocol, addresses } = port;
  const routes = settings.size === 0 ? plain : routesWith(plain, port, settings);
  return { port, outbound: { service, port: port.port, protocol, addresses, routes } };
}

function outboundPorts(
  services: Services,
  splits: SplitTable,
  limits: LimitTable,
): ReadonlyMap<string, readonly OutboundPort[]> {
  const settings = callTable(services, limits);
  const outbound = new Map<string, readonly OutboundPort[]>();
  for (const [name, ports] of services) {
    // Without an address there is nothing that a client could dial.
    const callable = ports.filter(({ addresses }) => addresses.length > 0);
    if (callable.length > 0)
      outbound.set(
        name,
        callable.map((port) => outboundPort(port, splits, services, settings)),
      );
  }
  return outbound;
}

function upstreamsOf(services: Services, limits: LimitTable): ReadonlyMap<string, Upstream> {
  const upstreams = new Map<string, Upstream>();
  for (const ports of services.values()) {
    for (const port of ports) {
      const { upstream, service, targetPort, protocol, servers } = port;
      // Two ports of a Service may have one target; the first then speaks for it.
      if (upstreams.has(upstream)) continue;
      const serverName = serverNameOf(service);
      const set = limitsOf(port, limits);
      const connections = set?.connections;
      upstreams.set(upstream, {
        key: upstream,
        service,
        targetPort,
        protocol,
        serverName,
        servers,
        ...(connections && { limits: connections }),
        ...set?.care,
      });
    }
  }
  return upstreams;
}

function addressesOf(services: Services): readonly string[] {
  const addresses = new Set<string>();
  for (const ports of services.values())
    for (const port of ports) for (const each of port.addresses) addresses.add(each);
  return Object.freeze([...addresses].sort(byText));
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
  const { trafficTargets, httpRouteGroups, tcpRoutes, trafficSplits, retries, upstreamTrafficSettings } = policies;
  const limits = stage(former?.limits, [upstreamTrafficSettings], foldLimits);
  const splits = stage(former?.splits, [trafficSplits, httpRouteGroups], foldSplits);
  return {
    settings: stage(former?.settings, [snapshot.config, snapshot.osmNamespace], settingsOf),
    open: stage(former?.open, [snapshot.config, snapshot.namespaces, snapshot.traffic], openNamespaces),
    access: stage(former?.access, [trafficTargets, httpRouteGroups, tcpRoutes], foldAccess),
    splits,
    absent: stage(former?.absent, [trafficSplits, services], absentServices),
    retries: stage(former?.retries, [retries], foldRetries),
    outbound: stage(former?.outbound, [services, splits.output, limits.output], outboundPorts),
    upstreams: stage(former?.upstreams, [services, limits.output], upstreamsOf),
    limits,
    egress: stage(
      former?.egress,
      [policies.egresses, httpRouteGroups, upstreamTrafficSettings, snapshot.caBundles],
      foldEgress,
    ),
    ingress: stage(
      former?.ingress,
      [policies.ingressBackends, services, snapshot.endpoints, httpRouteGroups],
      foldIngress,
    ),
    addresses: stage(former?.addresses, [services], addressesOf),
    served: stage(former?.served, [services], servedBy),
  };
}

/** Faults of single objects, and of references between them. */
export function blueprintFaults(snapshot: Snapshot, blueprint: Blueprint): readonly PolicyFault[] {
  const { access, splits, limits, egress, ingress } = blueprint;
  const { output: settings } = blueprint.settings;
  return [
    ...snapshot.faults,
    ...authorizerFaults(settings, snapshot.traffic),
    ...[access, splits, limits, egress, ingress].flatMap(({ output }) => output.faults),
    ...blueprint.absent.output,
  ];
}
