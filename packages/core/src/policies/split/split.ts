import type { TrafficSplitSpec } from '@osm/api';
import { objectKey, serviceKey, serviceNamed } from '../../model/names.ts';
import { isHttp } from '../../model/protocol.ts';
import type { MeshService, Policies, Policy, PolicyFault } from '../../model/snapshot.ts';
import type { HttpMatch, Origin, OutboundRoute, ServiceRef } from '../../plan/types.ts';
import { flatten, type Share } from './weights.ts';

/** What a TrafficSplit does with the requests to its apex service. */
export interface SplitRule {
  /** Undefined: all requests. */
  readonly match?: HttpMatch;
  readonly backends: readonly Share<ServiceRef>[];
  readonly origins: readonly Origin[];
}

/** TrafficSplits by apex service, folded. */
export interface SplitTable {
  /** By apex (`<namespace>/<name>`): rules with matches first, then at most one without. */
  readonly rules: ReadonlyMap<string, readonly SplitRule[]>;
  /** By backend: the apexes that share their traffic with it. */
  readonly apexes: ReadonlyMap<string, readonly string[]>;
  readonly faults: readonly PolicyFault[];
}

type Split = Policy<TrafficSplitSpec>;

/** A service in the split's own namespace; SMI looks names up there. */
function named(name: string, { object }: Split, field: string, faults: PolicyFault[]): ServiceRef | undefined {
  const service = serviceNamed(name, object.namespace);
  if (service?.namespace === object.namespace) return service;
  faults.push({ object, field, message: `must name a service of namespace ${object.namespace}` });
  return undefined;
}

function backendsOf(split: Split, faults: PolicyFault[]): readonly Share<ServiceRef>[] {
  return (split.spec.backends ?? []).flatMap(({ service, weight }, index) => {
    const item = named(service, split, `spec.backends[${index}].service`, faults);
    return item === undefined ? [] : [{ item, weight }];
  });
}

function matchesOf(split: Split, groups: Policies['httpRouteGroups'], faults: PolicyFault[]) {
  const { object, spec } = split;
  return (spec.matches ?? []).flatMap(({ kind, name }, index) => {
    const group = kind === 'HTTPRouteGroup' ? groups.get(objectKey(object.namespace, name)) : undefined;
    if (group === undefined) {
      const message = `there is no HTTPRouteGroup ${name}${kind === 'HTTPRouteGroup' ? '' : `, and ${kind} is no other`}`;
      faults.push({ object, field: `spec.matches[${index}]`, message });
      return [];
    }
    return [...group.matches.values()].map(({ match, field }) => ({ match, origin: { ...group.object, field } }));
  });
}

/**
 * Folds TrafficSplits by their apex. Splits with matches (v1alpha4) are tried in order of their names, then the one
 * without applies; a second one without is a fault, and the first by name holds.
 */
export function foldSplits(
  trafficSplits: Policies['trafficSplits'],
  httpRouteGroups: Policies['httpRouteGroups'],
): SplitTable {
  const conditional = new Map<string, SplitRule[]>();
  const plain = new Map<string, SplitRule>();
  const faults: PolicyFault[] = [];
  for (const split of trafficSplits.values()) {
    const apex = named(split.spec.service, split, 'spec.service', faults);
    if (apex === undefined) continue;
    const key = serviceKey(apex);
    const backends = backendsOf(split, faults);
    const origin: Origin = { ...split.object, field: 'spec.backends' };
    if ((split.spec.matches ?? []).length > 0) {
      const rules = matchesOf(split, httpRouteGroups, faults).map((found) => {
        return { match: found.match, backends, origins: [origin, found.origin] };
      });
      conditional.set(key, [...(conditional.get(key) ?? []), ...rules]);
    } else if (plain.has(key)) {
      const message = `TrafficSplit ${plain.get(key)?.origins[0]?.name} already splits service ${apex.name}`;
      faults.push({ object: split.object, field: 'spec.service', message });
    } else plain.set(key, { backends, origins: [origin] });
  }
  const rules = new Map<string, readonly SplitRule[]>();
  const apexes = new Map<string, string[]>();
  for (const key of new Set([...conditional.keys(), ...plain.keys()])) {
    const last = plain.get(key);
    const all = [...(conditional.get(key) ?? []), ...(last ? [last] : [])];
    rules.set(key, all);
    for (const { backends } of all) {
      for (const { item } of backends) {
        const known = apexes.get(serviceKey(item)) ?? [];
        if (!known.includes(key)) apexes.set(serviceKey(item), [...known, key]);
      }
    }
  }
  return { rules, apexes, faults };
}

/** Weight of a service that is not split. */
const WHOLE = 100;

/**
 * The routes of one port of a service: its splits, or itself. A backend's port is the one with the same number as the
 * apex's (OSM 1.2); a backend without it gets nothing. Backends that are split themselves are followed, by their split
 * without matches; a service among its own backends, or met again, is itself.
 */
export function routesOf(
  port: MeshService,
  table: SplitTable,
  services: ReadonlyMap<string, readonly MeshService[]>,
): readonly OutboundRoute[] {
  const own = serviceKey(port.service);
  const rules = table.rules.get(own) ?? [];
  const http = isHttp(port.protocol);
  const portOf = (service: ServiceRef): MeshService | undefined =>
    services.get(serviceKey(service))?.find((candidate) => candidate.port === port.port);
  const plainOf = (service: ServiceRef): readonly Share<ServiceRef>[] | undefined =>
    table.rules.get(serviceKey(service))?.find(({ match }) => match === undefined)?.backends;
  const routes = rules
    .filter(({ match }) => http || match === undefined)
    .map(({ match, backends, origins }): OutboundRoute => {
      const usable = (shares: readonly Share<ServiceRef>[]): readonly Share<ServiceRef>[] =>
        shares.filter(({ item }) => portOf(item) !== undefined);
      const expand = (service: ServiceRef): readonly Share<ServiceRef>[] | undefined => {
        const shares = plainOf(service);
        return shares && usable(shares);
      };
      const destinations = flatten(usable(backends), serviceKey, expand, [own]).map(({ item, weight }) => {
        return { upstream: portOf(item)?.upstream ?? '', weight };
      });
      return { ...(match && { match }), destinations, origins };
    });
  if (routes.at(-1) === undefined || routes.at(-1)?.match !== undefined) {
    routes.push({ destinations: [{ upstream: port.upstream, weight: WHOLE }], origins: [] });
  }
  return routes;
}
