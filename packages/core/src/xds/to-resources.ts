import type { Resource } from '@osm/envoy';
import type { InboundService, ProxyPlan } from '../plan/types.ts';
import { loadAssignment } from './assignment.ts';
import { inboundChain } from './chain-inbound.ts';
import { outboundChain } from './chain-outbound.ts';
import { localCluster } from './cluster-local.ts';
import { PASSTHROUGH_CLUSTER } from './cluster-original-destination.ts';
import { upstreamCluster } from './cluster-upstream.ts';
import { inboundListener } from './listener-inbound.ts';
import { outboundListener } from './listener-outbound.ts';
import { remember } from './remember.ts';
import { inboundRoutes } from './routes-inbound.ts';
import { outboundRoutes } from './routes-outbound.ts';

const isHttp = ({ protocol }: Pick<InboundService, 'protocol'>): boolean => protocol === 'http' || protocol === 'grpc';

const present = <Value>(value: Value | undefined): value is Value => value !== undefined;

function listeners(plan: ProxyPlan): readonly Resource[] {
  const { settings, identity, trustDomain } = plan;
  const { namespace, serviceAccount } = identity;
  const inbound = plan.inbound.map((each) => inboundChain(each, settings, trustDomain, namespace, serviceAccount));
  const outbound = plan.outbound.map((each) => outboundChain(each, settings.tracing)).filter(present);
  return [inboundListener(inbound), outboundListener(outbound, plan.passthrough, { tls: [], http: [] })].filter(
    present,
  );
}

function routes(plan: ProxyPlan): readonly Resource[] {
  return [
    ...plan.inbound.filter(isHttp).map((each) => inboundRoutes(each, plan.trustDomain)),
    ...plan.outbound.filter(isHttp).map(outboundRoutes),
  ];
}

function clusters(plan: ProxyPlan): readonly Resource[] {
  const { settings, identity } = plan;
  return [
    ...plan.inbound.map(({ service, targetPort }) => localCluster(service, targetPort)),
    ...[...plan.upstreams.values()].map((upstream) =>
      upstreamCluster(upstream, settings.tls, identity.namespace, identity.serviceAccount),
    ),
    ...(plan.passthrough ? [PASSTHROUGH_CLUSTER] : []),
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
      ...[...plan.assignments.values()].map(loadAssignment),
      ...listeners(plan),
      ...routes(plan),
    ]),
  ),
);
