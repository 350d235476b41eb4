import { plaintextFor } from '../model/mtls.ts';
import { identityKey, objectKey } from '../model/names.ts';
import { sameParts, share, stage } from '../model/sharing.ts';
import type { PolicyFault, Snapshot, Workload } from '../model/snapshot.ts';
import { limitsOf } from '../policies/upstream-traffic-setting/upstream-traffic-setting.ts';
import { type Blueprint, blueprintFaults } from './blueprint.ts';
import { auditOf, createPlanCache, egressOf, type PlanCache, reachOf, rulesOf, turnTo } from './cache.ts';
import { inboundOf, ingressOf, type ServedService } from './inbound.ts';
import type { Reach } from './reach.ts';
import { settingsFor } from './settings.ts';
import type { Identity, ProxyPlan } from './types.ts';
import { zoneOf } from './zone.ts';

/** A proxy to plan for. */
export interface PlannedProxy {
  readonly identity: Identity;
  /** Undefined: no pod is known, so the proxy serves nothing. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined;
}

const NO_ADDRESSES: readonly string[] = Object.freeze([]);
const NO_PORTS: ServedService['ports'] = Object.freeze([]);

function servedService({ services }: Snapshot, { limits, ingress }: Blueprint, name: string): ServedService {
  const ports = services.get(name) ?? NO_PORTS;
  return {
    ports,
    limits: ports[0] && limitsOf(ports[0], limits.output)?.inbound,
    ingress: ingress.output.rules.get(name),
  };
}

/** The former list when its parts are the same: no part is looked into. */
function shareServices(former: readonly ServedService[] | undefined, next: readonly ServedService[]) {
  const same =
    next.length === former?.length && next.every((service, at) => sameParts(former[at], service) === former[at]);
  return same && former ? former : next;
}

/** The pod that the proxy stands before, unless it is not known, or runs as somebody else. */
function workloadOf(snapshot: Snapshot, { identity, pod }: PlannedProxy): Workload | undefined {
  const workload = pod && snapshot.workloads.get(objectKey(pod.namespace, pod.name));
  return workload && identityKey(workload.identity) === identityKey(identity) ? workload : undefined;
}

interface Planning {
  readonly snapshot: Snapshot;
  readonly blueprint: Blueprint;
  readonly cache: PlanCache;
  readonly identity: Identity;
  readonly workload: Workload | undefined;
  readonly reach: Reach;
  readonly zone: string | undefined;
}

/** Finds or makes the plan, and gives its key: what tells proxies that are unlike apart. */
function planFully({ snapshot, blueprint, cache, identity, workload, reach, zone }: Planning): string {
  const names = workload ? (snapshot.memberships.get(objectKey(workload.namespace, workload.name)) ?? []) : [];
  const services = names.map((name) => servedService(snapshot, blueprint, name));
  const metrics = workload?.metrics ?? false;
  const ports = services.flatMap((service) =>
    service.ports.map(({ targetPortName }) => targetPortName && (workload?.ports[targetPortName] ?? '')),
  );
  const plaintext = workload && plaintextFor(workload, snapshot.traffic)?.ports;
  const settings = settingsFor(blueprint.settings.output, workload, identity.namespace, snapshot.traffic);
  const authorizer = workload?.authorizer ?? '';
  const key = `${identityKey(identity)} ${authorizer} ${metrics} ${names.join(',')} ${ports.join(',')} ${plaintext ?? ''} ${zone ?? ''}`;
  const known = cache.plans.get(key);
  if (known?.turn === cache.turn) return key;
  const rules = rulesOf(snapshot, identity, cache);
  const audit = auditOf(snapshot, identity, cache);
  const served = shareServices(known?.inbound.inputs[3], services);
  const taken = share(known?.inbound.inputs[2], plaintext);
  const inbound = stage(known?.inbound, [rules, audit, taken, served], (...[own, tried, plain, all]) =>
    workload ? inboundOf(workload, all, { rules: own, audit: tried, plaintext: plain }) : [],
  );
  const ingress = stage(known?.ingress, [served], (all) => (workload ? ingressOf(workload, all) : []));
  const plan: ProxyPlan = sameParts(known?.plan, {
    identity: share(known?.plan.identity, { namespace: identity.namespace, serviceAccount: identity.serviceAccount }),
    trustDomain: snapshot.trustDomain,
    settings,
    inbound: inbound.output,
    ingress: ingress.output,
    ...reach,
    egress: egressOf(snapshot, identity, cache),
    passthrough: snapshot.config.traffic.enableEgress,
    meshAddresses: snapshot.config.traffic.enableEgress ? blueprint.addresses.output : NO_ADDRESSES,
    metrics,
  });
  cache.plans.set(key, { inbound, ingress, plan, turn: cache.turn });
  return key;
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
  const { identity, pod } = proxy;
  if (!snapshot.namespaces.has(identity.namespace)) return undefined;
  const blueprint = turnTo(cache, snapshot);
  const workload = workloadOf(snapshot, proxy);
  const zone = blueprint.limits.output.preferSameZone && workload ? zoneOf(snapshot, workload) : undefined;
  const reach = reachOf(snapshot, identity, cache, zone);
  const who = `${identityKey(identity)} ${pod?.namespace}/${pod?.name}`;
  const known = cache.proxies.get(who);
  let key = known?.plan;
  const similar = key === undefined ? undefined : cache.plans.get(key);
  // Mostly endpoints move, and then at most the reach is another.
  if (
    key === undefined ||
    similar === undefined ||
    known?.workload !== workload ||
    known?.basis !== cache.basis ||
    known?.zone !== zone
  ) {
    key = planFully({ snapshot, blueprint, cache, identity, workload, reach, zone });
  } else if (similar.turn !== cache.turn) {
    cache.plans.set(key, {
      ...similar,
      plan: sameParts(similar.plan, { ...similar.plan, ...reach }),
      turn: cache.turn,
    });
  }
  if (cache.basis) cache.proxies.set(who, { workload, zone, basis: cache.basis, plan: key, turn: cache.turn });
  return cache.plans.get(key)?.plan;
}

/** Every fault of the mesh's policies: of single objects, and of references between them. */
export function policyFaults(snapshot: Snapshot, cache: PlanCache = createPlanCache()): readonly PolicyFault[] {
  return blueprintFaults(snapshot, turnTo(cache, snapshot));
}
