import { identityKey, objectKey } from '../model/names.ts';
import { type Stage, share, stage } from '../model/sharing.ts';
import type { MeshService, PolicyFault, Snapshot, Workload } from '../model/snapshot.ts';
import { type AccessRules, NO_RULES } from '../policies/access/access.ts';
import { type Blueprint, blueprintFaults, drawBlueprint } from './blueprint.ts';
import { inboundOf } from './inbound.ts';
import { findReach, type Reach, type ReachStages, reachOf } from './reach.ts';
import type { Identity, InboundService, ProxyPlan } from './types.ts';

/** A proxy to plan for. */
export interface PlannedProxy {
  readonly identity: Identity;
  /** Undefined: no pod is known, so the proxy serves nothing. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined;
}

interface KnownReach {
  readonly stages: ReachStages;
  readonly reach: Reach;
  turn: number;
}
interface KnownPlan {
  readonly inbound: Stage<[AccessRules | undefined, readonly (readonly MeshService[])[]], readonly InboundService[]>;
  readonly plan: ProxyPlan;
  turn: number;
}

/**
 * What was planned before, so that the same is planned once: proxies alike get one plan, and parts keep their identity
 * from snapshot to snapshot. A cache changes no result, only who shares it.
 */
export interface PlanCache {
  snapshot: Snapshot | undefined;
  blueprint: Blueprint | undefined;
  /** Counts snapshots. */
  turn: number;
  readonly reaches: Map<string, KnownReach>;
  readonly plans: Map<string, KnownPlan>;
}

/** An empty cache; keep one for each line of snapshots. */
export const createPlanCache = (): PlanCache => ({
  snapshot: undefined,
  blueprint: undefined,
  turn: 0,
  reaches: new Map(),
  plans: new Map(),
});

/** Snapshots after which a plan that nobody asked for is forgotten. */
const FORGET_AFTER = 8;

function turnTo(cache: PlanCache, snapshot: Snapshot): Blueprint {
  if (cache.snapshot === snapshot && cache.blueprint !== undefined) return cache.blueprint;
  cache.snapshot = snapshot;
  cache.turn++;
  cache.blueprint = drawBlueprint(snapshot, cache.blueprint);
  for (const known of [cache.reaches, cache.plans]) {
    for (const [key, { turn }] of known) if (turn < cache.turn - FORGET_AFTER) known.delete(key);
  }
  return cache.blueprint;
}

const NOBODY: readonly Identity[] = Object.freeze([]);

function planReach(snapshot: Snapshot, blueprint: Blueprint, source: string, cache: PlanCache): Reach {
  const { config } = snapshot;
  const permissive = config.traffic.enablePermissiveTrafficPolicyMode;
  const retries = config.featureFlags.enableRetryPolicy ? blueprint.retries.output.get(source) : undefined;
  // Without policies of their own, all are alike in permissive mode.
  const key = permissive && retries === undefined ? '' : source;
  const known = cache.reaches.get(key);
  if (known?.turn === cache.turn) return known.reach;
  const targets = permissive ? undefined : (blueprint.access.output.targets.get(source) ?? NOBODY);
  const stages = findReach(blueprint, snapshot.endpoints, targets, retries, known?.stages);
  const reach = reachOf(stages, known?.reach);
  cache.reaches.set(key, { stages, reach, turn: cache.turn });
  return reach;
}

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
  const ports = lists.flat().flatMap(({ targetPortName }) => (targetPortName && workload?.ports[targetPortName]) || []);
  const key = `${source} ${metrics} ${names.join(',')} ${ports.join(',')}`;
  const known = cache.plans.get(key);
  if (known?.turn === cache.turn) return known.plan;

  const { traffic } = snapshot.config;
  const rules = traffic.enablePermissiveTrafficPolicyMode
    ? undefined
    : (blueprint.access.output.rules.get(source) ?? NO_RULES);
  const services = share(known?.inbound.inputs[1], lists);
  const inbound = stage(known?.inbound, [rules, services], (own, all) =>
    workload ? inboundOf(workload, all, own) : [],
  );
  const plan: ProxyPlan = share(known?.plan, {
    identity: { namespace: identity.namespace, serviceAccount: identity.serviceAccount },
    trustDomain: snapshot.trustDomain,
    settings: blueprint.settings.output,
    inbound: inbound.output,
    ingress: [],
    ...planReach(snapshot, blueprint, source, cache),
    egress: [],
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
