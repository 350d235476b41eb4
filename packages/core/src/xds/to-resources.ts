import type { FilterChainJson, Resource } from '@osm/envoy';
import type { InboundService, IngressService, OutboundService, ProxyPlan } from '../plan/types.ts';
import { loadAssignment } from './assignment.ts';
import { inboundChain } from './chain-inbound.ts';
import { ingressChain } from './chain-ingress.ts';
import { outboundChain } from './chain-outbound.ts';
import { localCluster } from './cluster-local.ts';
import { authorizationCluster, tracingCluster } from './cluster-named.ts';
import { PASSTHROUGH_CLUSTER } from './cluster-original-destination.ts';
import { upstreamCluster } from './cluster-upstream.ts';
import { type Egress, egress } from './egress.ts';
import { inboundListener } from './listener-inbound.ts';
import { METRICS_CLUSTER, METRICS_LISTENER } from './listener-metrics.ts';
import { outboundListener } from './listener-outbound.ts';
import { remember } from './remember.ts';
import { inboundRoutes } from './routes-inbound.ts';
import { ingressRoutes } from './routes-ingress.ts';
import { outboundRoutes } from './routes-outbound.ts';

const isHttp = ({ protocol }: Pick<InboundService, 'protocol'>): boolean => protocol === 'http' || protocol === 'grpc';

const present = <Value>(value: Value | undefined): value is Value => value !== undefined;

const egressOf = (plan: ProxyPlan): Egress => egress(plan.egress, plan.passthrough, plan.settings.tracing);

const ingressChainOf = (plan: ProxyPlan, ingress: IngressService): FilterChainJson | undefined =>
  ingressChain(ingress, plan.settings, plan.identity.namespace, plan.identity.serviceAccount);

const outboundChainOf = (plan: ProxyPlan, outbound: OutboundService): FilterChainJson | undefined =>
  outboundChain(outbound, plan.settings.tracing);

function listeners(plan: ProxyPlan): readonly Resource[] {
  const { settings, identity, trustDomain } = plan;
  const { namespace, serviceAccount } = identity;
  const { chains, inspected } = egressOf(plan);
  const inbound = [
    ...plan.inbound.map((each) => inboundChain(each, settings, trustDomain, namespace, serviceAccount)),
    ...plan.ingress.map((each) => ingressChainOf(plan, each)),
  ].filter(present);
  const outbound = plan.outbound.map((each) => outboundChainOf(plan, each)).filter(present);
  return [
    inboundListener(inbound),
    // Of chains that match the same, the mesh's come first.
    outboundListener([...outbound, ...chains], plan.passthrough ? plan.meshAddresses : undefined, inspected),
    plan.metrics ? METRICS_LISTENER : undefined,
  ].filter(present);
}

/** The routes of all HTTP chains; without its chain a route configuration would lie idle. */
function routes(plan: ProxyPlan): readonly Resource[] {
  return [
    ...plan.inbound.filter(isHttp).map((each) => inboundRoutes(each, plan.trustDomain)),
    ...plan.ingress.filter((each) => ingressChainOf(plan, each) !== undefined).map((each) => ingressRoutes(each)),
    ...plan.outbound
      .filter((each) => isHttp(each) && outboundChainOf(plan, each) !== undefined)
      .map((each) => outboundRoutes(each)),
    ...egressOf(plan).routes,
  ];
}

function clusters(plan: ProxyPlan): readonly Resource[] {
  const { settings, identity } = plan;
  const { tracing, externalAuthorization } = settings;
  const servesHttp = plan.ingress.length > 0 || plan.inbound.some(isHttp);
  return [
    ...[...plan.inbound, ...plan.ingress].map(({ service, targetPort }) => localCluster(service, targetPort)),
    ...[...plan.upstreams.values()].map((upstream) =>
      upstreamCluster(upstream, settings.tls, identity.namespace, identity.serviceAccount),
    ),
    ...egressOf(plan).clusters,
    ...(plan.passthrough ? [PASSTHROUGH_CLUSTER] : []),
    ...(plan.metrics ? [METRICS_CLUSTER] : []),
    ...(tracing === undefined ? [] : [tracingCluster(tracing)]),
    ...(externalAuthorization === undefined || !servesHttp ? [] : [authorizationCluster(externalAuthorization)]),
  ];
}

/** Of resources with the same type and name, the first: Envoy takes one of each. */
function firstOfEach(resources: readonly Resource[]): readonly Resource[] {
  const byName = new Map<string, Resource>();
  for (const resource of resources) {
    const key = `${resource.typeUrl} ${resource.name}`;
    if (!byName.has(key)) byName.set(key, resource);
  }
  return [...byName.values()];
}

/**
 * What Envoy needs to do what a plan says: clusters, load assignments, listeners and route configurations. Secrets are
 * referred to by their SDS names and come from elsewhere.
 *
 * Each resource is made from a small part of the plan, and is the same object as long as that part is, across plans
 * and proxies; so is the list for the same plan. Never throws for a plan that keeps what its types promise.
 */
export const toResources = remember((plan: ProxyPlan): readonly Resource[] =>
  Object.freeze(
    firstOfEach([
      ...clusters(plan),
      ...[...plan.assignments.values()].map((each) => loadAssignment(each)),
      ...listeners(plan),
      ...routes(plan),
    ]),
  ),
);
