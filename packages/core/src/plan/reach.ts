import type { RetrySpec } from '@osm/api';
import { byText, identityKey } from '../model/names.ts';
import type { OpenNamespaces } from '../model/namespace-traffic.ts';
import { isHttp } from '../model/protocol.ts';
import { type Stage, sameParts, share, stage } from '../model/sharing.ts';
import type { MeshEndpoint, Policy, Snapshot } from '../model/snapshot.ts';
import { DEFAULT_BUDGET, retryFor } from '../policies/retry/retry.ts';
import { assignmentOf } from './assignment.ts';
import type { Blueprint, OutboundPort } from './blueprint.ts';
import type { Assignment, Identity, OutboundService, ProxyPlan, Upstream } from './types.ts';

/** Where an identity may go. */
export type Reach = Pick<ProxyPlan, 'outbound' | 'upstreams' | 'assignments'>;

interface Routes {
  readonly outbound: readonly OutboundService[];
  readonly upstreams: ReadonlyMap<string, Upstream>;
}
type Targets = readonly Identity[] | undefined;
type Retries = readonly Policy<RetrySpec>[];
type Endpoints = Snapshot['endpoints'];

/** A reach and how it came about. */
export interface ReachStages {
  readonly routes: Stage<
    [
      Targets,
      OpenNamespaces,
      Retries | undefined,
      Blueprint['outbound']['output'],
      Blueprint['upstreams']['output'],
      Blueprint['served']['output'],
      Blueprint['splits']['output'],
    ],
    Routes
  >;
  readonly assigned: Assigned;
}

/** Assignments, and what they were made from. */
interface Assigned {
  readonly targets: Targets;
  readonly open: OpenNamespaces;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly endpoints: Endpoints;
  readonly assignments: ReadonlyMap<string, Assignment>;
}

const namespaceOf = (name: string): string => name.slice(0, name.indexOf('/'));

const isOpen = (open: OpenNamespaces, namespace: string): boolean => open === 'all' || open.has(namespace);

const NOWHERE: readonly MeshEndpoint[] = Object.freeze([]);

/** Services of open namespaces and of the targets, and the apexes that share their traffic with one of these, at any depth; sorted. */
function reachable(
  targets: readonly Identity[],
  open: OpenNamespaces,
  ports: Blueprint['outbound']['output'],
  served: Blueprint['served']['output'],
  splits: Blueprint['splits']['output'],
): readonly string[] {
  const names = new Set(targets.flatMap((target) => served.get(identityKey(target)) ?? []));
  if (open !== 'all' && open.size > 0) {
    for (const name of ports.keys()) if (open.has(namespaceOf(name))) names.add(name);
  }
  // A set may grow while it is walked, and what is added is walked too.
  for (const name of names) for (const apex of splits.apexes.get(name) ?? []) names.add(apex);
  return [...names].sort(byText);
}

function withRetry({ port, outbound }: OutboundPort, retries: Retries | undefined): OutboundService {
  if (retries === undefined || !isHttp(port.protocol)) return outbound;
  const { retry } = retryFor(port, retries) ?? {};
  return retry === undefined
    ? outbound
    : { ...outbound, routes: outbound.routes.map((route) => ({ ...route, retry })) };
}

/** An upstream with the budget of the Retry policy that leads to it; the first one that does decides. */
function withBudget(known: Upstream, { port }: OutboundPort, retries: Retries | undefined): Upstream {
  const found = retries === undefined || !isHttp(port.protocol) ? undefined : retryFor(port, retries);
  if (found === undefined) return known;
  // Who has set a number of retries means that number.
  const retryBudget = found.budget ?? (known.limits?.maxRetries === undefined ? DEFAULT_BUDGET : undefined);
  return retryBudget === undefined ? known : { ...known, retryBudget };
}

function findRoutes(...[targets, open, retries, ports, all, served, splits]: ReachStages['routes']['inputs']): Routes {
  const names = targets === undefined ? undefined : reachable(targets, open, ports, served, splits);
  const outbound: OutboundService[] = [];
  const upstreams = new Map<string, Upstream>();
  for (const name of names ?? ports.keys()) {
    for (const port of ports.get(name) ?? []) {
      const service = withRetry(port, retries);
      outbound.push(service);
      for (const { destinations } of service.routes) {
        for (const { upstream } of destinations) {
          const known = all.get(upstream);
          if (known === undefined || upstreams.get(upstream)?.retryBudget !== undefined) continue;
          upstreams.set(upstream, withBudget(known, port, retries));
        }
      }
    }
  }
  return { outbound, upstreams };
}

/** Assigns endpoints; only upstreams whose endpoints changed are looked at again. */
function assign(
  targets: Targets,
  open: OpenNamespaces,
  upstreams: ReadonlyMap<string, Upstream>,
  endpoints: Endpoints,
  zone: string | undefined,
  former: Assigned | undefined,
): Assigned {
  const same = former?.targets === targets && former?.open === open && former?.upstreams === upstreams;
  const similar = same ? former : undefined;
  if (similar?.endpoints === endpoints) return similar;
  const changed = new Map<string, Assignment>();
  let allowed: ReadonlySet<string> | undefined;
  for (const [upstream, { service, preferSameZone }] of upstreams) {
    const places = endpoints.get(upstream) ?? NOWHERE;
    if (similar !== undefined && places === (similar.endpoints.get(upstream) ?? NOWHERE)) continue;
    allowed ??= targets && new Set(targets.map(identityKey));
    const known = former?.assignments.get(upstream);
    const assignment = share(
      known,
      assignmentOf(
        upstream,
        places,
        isOpen(open, service.namespace) ? undefined : allowed,
        preferSameZone ? zone : undefined,
      ),
    );
    if (similar === undefined || assignment !== known) changed.set(upstream, assignment);
  }
  if (similar === undefined)
    return { targets, open, upstreams, endpoints, assignments: share(former?.assignments, changed) };
  if (changed.size === 0) return { targets, open, upstreams, endpoints, assignments: similar.assignments };
  const assignments = new Map(similar.assignments);
  for (const [upstream, assignment] of changed) assignments.set(upstream, assignment);
  return { targets, open, upstreams, endpoints, assignments };
}

/**
 * Where an identity may go. Without `targets`: everywhere (permissive mode). With them: to the services of namespaces that
 * are open, to those that the target identities stand behind, and to the apexes of splits over these; outside open
 * namespaces only endpoints of a target may answer. `retries` are the identity's own Retry policies. Within one line of
 * stages, `zone` is always the same.
 */
export function findReach(
  blueprint: Blueprint,
  endpoints: Endpoints,
  targets: Targets,
  retries: Retries | undefined,
  zone: string | undefined,
  former: ReachStages | undefined,
): ReachStages {
  const routes = stage(
    former?.routes,
    [
      targets,
      blueprint.open.output,
      retries,
      blueprint.outbound.output,
      blueprint.upstreams.output,
      blueprint.served.output,
      blueprint.splits.output,
    ],
    findRoutes,
  );
  const { upstreams } = routes.output;
  return { routes, assigned: assign(targets, blueprint.open.output, upstreams, endpoints, zone, former?.assigned) };
}

/** The reach that the stages came to; the same object while they are. */
export function joinReach({ routes, assigned }: ReachStages, former: Reach | undefined): Reach {
  return sameParts(former, { ...routes.output, assignments: assigned.assignments });
}
