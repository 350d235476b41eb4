import { type FilterChainJson, type Resource, TYPE_URL, type TypeUrl } from '@osm/envoy';
import type {
  Assignment,
  EgressPort,
  InboundService,
  IngressService,
  OutboundService,
  ProxyPlan,
  ProxySettings,
  Upstream,
} from '../plan/types.ts';
import { loadAssignment } from './assignment.ts';
import { inboundChain } from './chain-inbound.ts';
import { ingressChain } from './chain-ingress.ts';
import { outboundChain } from './chain-outbound.ts';
import { plaintextChains } from './chain-plaintext.ts';
import { localCluster } from './cluster-local.ts';
import { authorizationCluster, tracingCluster } from './cluster-named.ts';
import { PASSTHROUGH_CLUSTER } from './cluster-original-destination.ts';
import { upstreamCluster } from './cluster-upstream.ts';
import { distinctChains } from './distinct-chains.ts';
import { egress } from './egress.ts';
import { rateLimitClusters } from './global-rate-limit.ts';
import { inboundListener } from './listener-inbound.ts';
import { METRICS_CLUSTER, METRICS_LISTENER } from './listener-metrics.ts';
import { outboundListener } from './listener-outbound.ts';
import { plaintextChainName } from './names.ts';
import { remember } from './remember.ts';
import { inboundRoutes, plaintextRoutes } from './routes-inbound.ts';
import { ingressRoutes } from './routes-ingress.ts';
import { outboundRoutes } from './routes-outbound.ts';

/** Resources of one type by name. */
export type ResourceMap = ReadonlyMap<string, Resource>;

/**
 * What a proxy needs, by type: maps that lie over one another. Of resources with one name, the one in the first map
 * counts. Only small maps are a proxy's own; the others are the same objects for all proxies that may go to the same
 * places, and from plan to plan while the part that they are made from is the same.
 */
export type ResourceLayers = ReadonlyMap<TypeUrl, readonly ResourceMap[]>;

type Tracing = ProxySettings['tracing'];

const isHttp = ({ protocol }: Pick<InboundService, 'protocol'>): boolean => protocol === 'http' || protocol === 'grpc';

const present = <Value>(value: Value | undefined): value is Value => value !== undefined;

/** By name; of two with one name the former, as Envoy takes one of each. */
function mapOf(resources: Iterable<Resource | undefined>): ResourceMap {
  const map = new Map<string, Resource>();
  for (const resource of resources) {
    if (resource !== undefined && !map.has(resource.name)) map.set(resource.name, resource);
  }
  return map;
}

interface Layer {
  readonly listeners: ResourceMap;
  readonly routes: ResourceMap;
  readonly clusters: ResourceMap;
}

/** What comes in: a layer of the workload's own. */
const served = remember(
  (
    inbound: readonly InboundService[],
    ingress: readonly IngressService[],
    settings: ProxySettings,
    trustDomain: string,
    namespace: string,
    serviceAccount: string,
  ): Layer => {
    const { externalAuthorization } = settings;
    const fromOutside = ingress.map((each) => ({
      each,
      chain: ingressChain(each, settings, namespace, serviceAccount),
    }));
    const chains: (FilterChainJson | undefined)[] = [
      ...inbound.map((each) => inboundChain(each, settings, trustDomain, namespace, serviceAccount)),
      ...fromOutside.map(({ chain }) => chain),
      // Of chains that match the same, an IngressBackend's say more of who may come.
      ...inbound.flatMap((each) => plaintextChains(each, settings)),
    ];
    const distinct = distinctChains(chains.filter(present));
    const kept = new Set(distinct.map(({ name }) => name));
    const silentClients = inbound.some(({ plaintext, protocol }) => plaintext && protocol === 'tcp-server-first');
    const servesHttp = ingress.length > 0 || inbound.some(isHttp);
    return {
      listeners: mapOf([inboundListener(distinct, silentClients)]),
      routes: mapOf([
        ...inbound.filter(isHttp).map((each) => inboundRoutes(each, trustDomain)),
        // Without its chain a route configuration would lie idle.
        ...inbound
          .filter((each) => isHttp(each) && kept.has(plaintextChainName(each)))
          .map((each) => plaintextRoutes(each)),
        ...fromOutside.filter(({ chain }) => chain !== undefined).map(({ each }) => ingressRoutes(each)),
      ]),
      clusters: mapOf([
        ...[...inbound, ...ingress].map(({ service, targetPort }) => localCluster(service, targetPort)),
        ...inbound.flatMap(rateLimitClusters),
        externalAuthorization && servesHttp ? authorizationCluster(externalAuthorization) : undefined,
      ]),
    };
  },
);

const chainsTo = remember((outbound: readonly OutboundService[], tracing: Tracing) =>
  outbound.map((each) => outboundChain(each, tracing)).filter(present),
);

const routesTo = remember((outbound: readonly OutboundService[], tracing: Tracing): ResourceMap => {
  const callable = outbound.filter((each) => isHttp(each) && outboundChain(each, tracing) !== undefined);
  return mapOf(callable.map((each) => outboundRoutes(each)));
});

const clustersOf = remember(
  (upstreams: ReadonlyMap<string, Upstream>, tls: ProxySettings['tls']): ResourceMap =>
    mapOf([...upstreams.values()].map((upstream) => upstreamCluster(upstream, tls))),
);

const endpointsOf = remember(
  (assignments: ReadonlyMap<string, Assignment>): ResourceMap =>
    mapOf([...assignments.values()].map((each) => loadAssignment(each))),
);

/** `meshAddresses` is undefined where nothing passes through. */
const outboundListenerOf = remember(
  (
    outbound: readonly OutboundService[],
    policies: readonly EgressPort[],
    meshAddresses: readonly string[] | undefined,
    tracing: Tracing,
  ): ResourceMap => {
    const { chains, inspected } = egress(policies, meshAddresses !== undefined, tracing);
    // Of chains that match the same, the mesh's come first.
    return mapOf([outboundListener([...chainsTo(outbound, tracing), ...chains], meshAddresses, inspected)]);
  },
);

/** What goes out of the mesh, and what proxies have for themselves. */
const others = remember(
  (policies: readonly EgressPort[], passthrough: boolean, metrics: boolean, tracing: Tracing): Layer => {
    const { clusters, routes } = egress(policies, passthrough, tracing);
    return {
      listeners: mapOf([metrics ? METRICS_LISTENER : undefined]),
      routes: mapOf(routes),
      clusters: mapOf([
        ...clusters,
        passthrough ? PASSTHROUGH_CLUSTER : undefined,
        metrics ? METRICS_CLUSTER : undefined,
        tracing && tracingCluster(tracing),
      ]),
    };
  },
);

/**
 * What Envoy needs to do what a plan says: clusters, load assignments, listeners and route configurations. Secrets are
 * referred to by their SDS names and come from elsewhere.
 *
 * Each resource is made from a small part of the plan, and is the same object as long as that part is, across plans
 * and proxies; so is each layer, and the result for the same plan. After a change of endpoints alone, the work for
 * one more proxy does not depend on the size of the mesh. Never throws for a plan that keeps what its types promise.
 */
export const toResourceLayers = remember((plan: ProxyPlan): ResourceLayers => {
  const { settings, identity, outbound } = plan;
  const { tls, tracing } = settings;
  const { namespace, serviceAccount } = identity;
  const own = served(plan.inbound, plan.ingress, settings, plan.trustDomain, namespace, serviceAccount);
  const rest = others(plan.egress, plan.passthrough, plan.metrics, tracing);
  const meshAddresses = plan.passthrough ? plan.meshAddresses : undefined;
  return new Map([
    [TYPE_URL.cluster, [own.clusters, clustersOf(plan.upstreams, tls), rest.clusters]],
    [TYPE_URL.endpoint, [endpointsOf(plan.assignments)]],
    [
      TYPE_URL.listener,
      [own.listeners, outboundListenerOf(outbound, plan.egress, meshAddresses, tracing), rest.listeners],
    ],
    [TYPE_URL.route, [own.routes, routesTo(outbound, tracing), rest.routes]],
  ]);
});

/** The resources of {@link toResourceLayers} as one list; the same list for the same plan. */
export const toResources = remember((plan: ProxyPlan): readonly Resource[] =>
  Object.freeze(
    [...toResourceLayers(plan).values()].flatMap((layers) => [
      ...mapOf(layers.flatMap((layer) => [...layer.values()])).values(),
    ]),
  ),
);
