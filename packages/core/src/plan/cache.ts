import { identityKey } from '../model/names.ts';
import { modeOf } from '../model/namespace-traffic.ts';
import { type Stage, stage } from '../model/sharing.ts';
import type { Snapshot, Workload } from '../model/snapshot.ts';
import { type AccessRules, NO_RULES } from '../policies/access/access.ts';
import { type Blueprint, drawBlueprint } from './blueprint.ts';
import type { Admission, ServedService } from './inbound.ts';
import { findReach, joinReach, type Reach, type ReachStages } from './reach.ts';
import type { EgressPort, Identity, InboundService, IngressService, ProxyPlan } from './types.ts';

interface KnownReach {
  readonly stages: ReachStages;
  readonly reach: Reach;
  turn: number;
}
/** All that plans are made from but endpoints and pods, as one object: the same while all of it is. */
type Basis = Stage<unknown[], { readonly turn: number }>;

/** The plan that a proxy was given. */
interface KnownProxy {
  readonly workload: Workload | undefined;
  readonly zone: string | undefined;
  readonly basis: Basis;
  /** Key of the plan that it shares with proxies alike. */
  readonly plan: string;
  turn: number;
}
interface KnownPlan {
  readonly inbound: Stage<
    [Admission['rules'], Admission['audit'], Admission['plaintext'], readonly ServedService[]],
    readonly InboundService[]
  >;
  readonly ingress: Stage<[readonly ServedService[]], readonly IngressService[]>;
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
  /** By identity and pod. */
  readonly proxies: Map<string, KnownProxy>;
  basis: Basis | undefined;
}

/** An empty cache; keep one for each line of snapshots. */
export const createPlanCache = (): PlanCache => ({
  snapshot: undefined,
  blueprint: undefined,
  turn: 0,
  reaches: new Map(),
  plans: new Map(),
  proxies: new Map(),
  basis: undefined,
});

/** Snapshots after which a plan that nobody asked for is forgotten. */
const FORGET_AFTER = 8;

function basisOf(snapshot: Snapshot, blueprint: Blueprint, { basis, turn }: PlanCache): Basis {
  const { config, trustDomain, services, memberships, traffic } = snapshot;
  const { open, access, limits, ingress, egress, settings } = blueprint;
  const outputs = [open, access, limits, ingress, egress, settings].map(({ output }) => output);
  const inputs: unknown[] = [config, trustDomain, services, memberships, traffic, ...outputs];
  return stage<unknown[], { readonly turn: number }>(basis, inputs, () => ({ turn }));
}

/** The blueprint of a snapshot; the first use of a new snapshot turns the cache to it. */
export function turnTo(cache: PlanCache, snapshot: Snapshot): Blueprint {
  if (cache.snapshot === snapshot && cache.blueprint !== undefined) return cache.blueprint;
  cache.snapshot = snapshot;
  cache.turn++;
  cache.blueprint = drawBlueprint(snapshot, cache.blueprint);
  cache.basis = basisOf(snapshot, cache.blueprint, cache);
  for (const known of [cache.reaches, cache.plans, cache.proxies]) {
    for (const [key, { turn }] of known) if (turn < cache.turn - FORGET_AFTER) known.delete(key);
  }
  return cache.blueprint;
}

const NOBODY: readonly Identity[] = Object.freeze([]);

/** Where an identity may go in a snapshot; from a zone, endpoints there come first where that was asked for. */
export function reachOf(snapshot: Snapshot, identity: Identity, cache: PlanCache, zone?: string): Reach {
  const blueprint = turnTo(cache, snapshot);
  const source = identityKey(identity);
  const { config } = snapshot;
  const open = blueprint.open.output;
  const retries = config.featureFlags.enableRetryPolicy ? blueprint.retries.output.get(source) : undefined;
  // Without policies of their own, all are alike in permissive mode.
  const key = `${open === 'all' && retries === undefined ? '' : source} ${zone ?? ''}`;
  const known = cache.reaches.get(key);
  if (known?.turn === cache.turn) return known.reach;
  const targets = open === 'all' ? undefined : (blueprint.access.output.targets.get(source) ?? NOBODY);
  const stages = findReach(blueprint, snapshot.endpoints, targets, retries, zone, known?.stages);
  const reach = joinReach(stages, known?.reach);
  cache.reaches.set(key, { stages, reach, turn: cache.turn });
  return reach;
}

/** Whom an identity lets in; undefined: every workload of the mesh (permissive mode). */
export function rulesOf(snapshot: Snapshot, identity: Identity, cache: PlanCache): AccessRules | undefined {
  if (modeOf(snapshot, identity.namespace) !== 'rules') return undefined;
  return turnTo(cache, snapshot).access.output.rules.get(identityKey(identity)) ?? NO_RULES;
}

/**
 * Rules that are tried on those who call an identity: of its namespace's audit of SMI mode, or of TrafficTargets that
 * are audited. What they refuse is what would be refused once the audit ends.
 */
export function auditOf(snapshot: Snapshot, identity: Identity, cache: PlanCache): AccessRules | undefined {
  const { audited, rules } = turnTo(cache, snapshot).access.output;
  const key = identityKey(identity);
  const tried = audited.get(key);
  if (tried !== undefined || modeOf(snapshot, identity.namespace) !== 'audit') return tried;
  return rules.get(key) ?? NO_RULES;
}

const NO_EGRESS: readonly EgressPort[] = Object.freeze([]);

/** What an identity may call outside the mesh by policy. */
export function egressOf(snapshot: Snapshot, identity: Identity, cache: PlanCache): readonly EgressPort[] {
  if (!snapshot.config.featureFlags.enableEgressPolicy) return NO_EGRESS;
  return turnTo(cache, snapshot).egress.output.ports.get(identityKey(identity)) ?? NO_EGRESS;
}
