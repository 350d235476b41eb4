import { identityKey, objectKey } from '../model/names.ts';
import { sameParts, share, stage } from '../model/sharing.ts';
import type { MeshService, PolicyFault, Snapshot, Workload } from '../model/snapshot.ts';
import { blueprintFaults } from './blueprint.ts';
import { createPlanCache, type PlanCache, reachOf, rulesOf, turnTo } from './cache.ts';
import { inboundOf } from './inbound.ts';
import type { Identity, ProxyPlan } from './types.ts';

/** A proxy to plan for. */
export interface PlannedProxy {
  readonly identity: Identity;
  /** Undefined: no pod is known, so the proxy serves nothing. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined;
}

const NO_INGRESS: ProxyPlan['ingress'] = Object.freeze([]);
const NO_EGRESS: ProxyPlan['egress'] = Object.freeze([]);
const NO_SERVICES: readonly (readonly MeshService[])[] = Object.freeze([]);

/** The pod that the proxy stands before, unless it is not known, or runs as somebody else. */
function workloadOf(snapshot: Snapshot, { identity, pod }: PlannedProxy): Workload | undefined {
  const workload = pod && snapshot.workloads.get(objectKey(pod.namespace, pod.name));
  return workload && identityKey(workload.identity) === identityKey(identity) ? workload : undefined;
}

/**
 * What a proxy has to do. In permissive mode it may call every service of the mesh, and all may call it; otherwise
 * TrafficTargets decide, and the default is to deny. Undefined when the proxy's namespace is not in the mesh. Total, and
 * pure but for `cache`, which only makes equal results the same object.
 */
export function planProxy(
  snapshot: Snapshot,
  proxy: PlannedProxy,
  cache: PlanCache = createPlanCache(),
): ProxyPlan | undefined {
  const { identity } = proxy;
  if (!snapshot.namespaces.has(identity.namespace)) return undefined;
  const blueprint = turnTo(cache, snapshot);
  const source = identityKey(identity);
  const workload = workloadOf(snapshot, proxy);
  const names = workload ? (snapshot.memberships.get(objectKey(workload.namespace, workload.name)) ?? []) : [];
  const lists = names.length === 0 ? NO_SERVICES : names.flatMap((name) => [snapshot.services.get(name) ?? []]);
  const metrics = workload?.metrics ?? false;
  const ports = lists.flat().map(({ targetPortName }) => targetPortName && (workload?.ports[targetPortName] ?? ''));
  const key = `${source} ${metrics} ${names.join(',')} ${ports.join(',')}`;
  const known = cache.plans.get(key);
  if (known?.turn === cache.turn) return known.plan;

  const { traffic } = snapshot.config;
  const rules = rulesOf(snapshot, identity, cache);
  const services = share(known?.inbound.inputs[1], lists);
  const inbound = stage(known?.inbound, [rules, services], (own, all) =>
    workload ? inboundOf(workload, all, own) : [],
  );
  const plan: ProxyPlan = sameParts(known?.plan, {
    identity: share(known?.plan.identity, { namespace: identity.namespace, serviceAccount: identity.serviceAccount }),
    trustDomain: snapshot.trustDomain,
    settings: blueprint.settings.output,
    inbound: inbound.output,
    ingress: NO_INGRESS,
    ...reachOf(snapshot, identity, cache),
    egress: NO_EGRESS,
    passthrough: traffic.enableEgress,
    metrics,
  });
  cache.plans.set(key, { inbound, plan, turn: cache.turn });
  return plan;
}

/** Every fault of the mesh's policies: of single objects, and of references between them. */
export function policyFaults(snapshot: Snapshot, cache: PlanCache = createPlanCache()): readonly PolicyFault[] {
  return blueprintFaults(snapshot, turnTo(cache, snapshot));
}
