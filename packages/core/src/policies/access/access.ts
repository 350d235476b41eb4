import type { TCPRouteSpec, TrafficTargetSpec } from '@osm/api';
import { byText, identityKey, objectKey, sortIdentities } from '../../model/names.ts';
import { isHttp } from '../../model/protocol.ts';
import type { Policies, Policy, PolicyFault } from '../../model/snapshot.ts';
import type { Access, HttpMatch, HttpRule, Identity, Origin, Protocol, RuleAccess, TcpRule } from '../../plan/types.ts';

/** What the TrafficTargets of a destination let in. */
export interface AccessRules {
  readonly http: readonly HttpRule[];
  readonly tcp: readonly TcpRule[];
}

/** All TrafficTargets of the mesh, folded. */
export interface AccessTable {
  /** By destination identity; who is absent lets nobody in. */
  readonly rules: ReadonlyMap<string, AccessRules>;
  /**
   * By destination identity, where a TrafficTarget is audited: what would be let in with those in force that are tried,
   * too.
   */
  readonly audited: ReadonlyMap<string, AccessRules>;
  /** By source identity: whom it may call, sorted; and whom it might call, as a call that never comes is not audited. */
  readonly targets: ReadonlyMap<string, readonly Identity[]>;
  /** References that lead nowhere. */
  readonly faults: readonly PolicyFault[];
}

/** Permissive mode's access. */
export const ANY_ACCESS: Access = Object.freeze({ mode: 'any' });

/** No rules: nobody is let in. */
export const NO_RULES: AccessRules = Object.freeze({ http: Object.freeze([]), tcp: Object.freeze([]) });

interface Draft<Shape> {
  readonly shape: Shape;
  readonly sources: Identity[];
  readonly origins: Origin[];
}
interface Drafts {
  readonly http: Map<string, Draft<HttpMatch>>;
  readonly tcp: Map<string, Draft<readonly number[] | undefined>>;
}
type Target = Policy<TrafficTargetSpec>;
type Rule = NonNullable<TrafficTargetSpec['rules']>[number];

function add<Shape>(
  drafts: Map<string, Draft<Shape>>,
  shape: Shape,
  sources: readonly Identity[],
  origins: readonly Origin[],
) {
  const key = JSON.stringify(shape) ?? '';
  const known = drafts.get(key) ?? { shape, sources: [], origins: [] };
  known.sources.push(...sources);
  known.origins.push(...origins);
  drafts.set(key, known);
}

/** Ports of a TCPRoute, sorted; undefined is any. */
function portsOf(route: Policy<TCPRouteSpec>): readonly number[] | undefined {
  const ports = [...new Set(route.spec.matches?.ports ?? [])].sort((a, b) => a - b);
  return ports.length > 0 ? ports : undefined;
}

function* addHttp(
  drafts: Drafts,
  target: Target,
  rule: Rule,
  field: string,
  sources: readonly Identity[],
  groups: Policies['httpRouteGroups'],
): Generator<PolicyFault> {
  const { object } = target;
  const group = groups.get(objectKey(object.namespace, rule.name));
  if (group === undefined) {
    yield { object, field: `${field}.name`, message: `there is no HTTPRouteGroup ${rule.name}` };
    return;
  }
  // SMI would take an empty list for all matches; Open Service Mesh takes it for none, and none is the safe reading.
  for (const [index, name] of (rule.matches ?? []).entries()) {
    const found = group.matches.get(name);
    if (found === undefined) {
      const message = `HTTPRouteGroup ${rule.name} has no usable match ${name}`;
      yield { object, field: `${field}.matches[${index}]`, message };
    } else {
      add(drafts.http, found.match, sources, [
        { ...object, field: `${field}.matches[${index}]` },
        { ...group.object, field: found.field },
      ]);
    }
  }
}

function* addTcp(
  drafts: Drafts,
  target: Target,
  rule: Rule,
  field: string,
  sources: readonly Identity[],
  routes: Policies['tcpRoutes'],
): Generator<PolicyFault> {
  const { object } = target;
  const route = routes.get(objectKey(object.namespace, rule.name));
  if (route === undefined) yield { object, field: `${field}.name`, message: `there is no TCPRoute ${rule.name}` };
  else {
    const origins = [
      { ...object, field },
      { ...route.object, field: 'spec.matches' },
    ];
    add(drafts.tcp, portsOf(route), sources, origins);
  }
}

/** Longer path patterns first, as they tend to say more, and any path last; rules are a union: order decides on nothing. */
const byMatch = (a: HttpRule, b: HttpRule): number =>
  Number(a.match.path === '.*') - Number(b.match.path === '.*') ||
  b.match.path.length - a.match.path.length ||
  byText(JSON.stringify(a.match), JSON.stringify(b.match));

function finish({ http, tcp }: Drafts): AccessRules {
  return {
    http: [...http.values()]
      .map(({ shape, sources, origins }): HttpRule => ({ match: shape, sources: sortIdentities(sources), origins }))
      .sort(byMatch),
    tcp: [...tcp]
      .sort(([a], [b]) => byText(a, b))
      .map(([, { shape, sources, origins }]): TcpRule => {
        return { ...(shape !== undefined && { ports: shape }), sources: sortIdentities(sources), origins };
      }),
  };
}

function draftsOf(all: Map<string, Drafts>, key: string): Drafts {
  const known = all.get(key) ?? { http: new Map(), tcp: new Map() };
  all.set(key, known);
  return known;
}

/** Both, with equal shapes as one. */
function join(...parts: readonly (Drafts | undefined)[]): Drafts {
  const all: Drafts = { http: new Map(), tcp: new Map() };
  for (const part of parts) {
    for (const { shape, sources, origins } of part?.http.values() ?? []) add(all.http, shape, sources, origins);
    for (const { shape, sources, origins } of part?.tcp.values() ?? []) add(all.tcp, shape, sources, origins);
  }
  return all;
}

/**
 * Folds TrafficTargets into the rules of each destination and the destinations of each source. Everything is a union:
 * a request is let in when any rule lets it in (SMI Traffic Access Control v1alpha3: "additive"). Equal matches become
 * one rule with all their sources.
 */
export function foldAccess(
  trafficTargets: Policies['trafficTargets'],
  httpRouteGroups: Policies['httpRouteGroups'],
  tcpRoutes: Policies['tcpRoutes'],
): AccessTable {
  const drafts = new Map<string, Drafts>();
  const trials = new Map<string, Drafts>();
  const audited = new Set<string>();
  const targets = new Map<string, Identity[]>();
  const faults: PolicyFault[] = [];
  for (const target of trafficTargets.values()) {
    const { destination, sources = [], rules = [] } = target.spec;
    const to: Identity = { namespace: destination.namespace, serviceAccount: destination.name };
    const from = sources.map(({ namespace, name }): Identity => ({ namespace, serviceAccount: name }));
    if (from.length === 0) continue;
    for (const source of from) targets.set(identityKey(source), [...(targets.get(identityKey(source)) ?? []), to]);
    const destinationKey = identityKey(to);
    if (target.audit) audited.add(destinationKey);
    const own = draftsOf(target.audit ? trials : drafts, destinationKey);
    for (const [index, rule] of rules.entries()) {
      const field = `spec.rules[${index}]`;
      if (rule.kind === 'HTTPRouteGroup') faults.push(...addHttp(own, target, rule, field, from, httpRouteGroups));
      if (rule.kind === 'TCPRoute') faults.push(...addTcp(own, target, rule, field, from, tcpRoutes));
    }
  }
  return {
    rules: new Map([...drafts].map(([key, own]) => [key, finish(own)])),
    audited: new Map([...audited].map((key) => [key, finish(join(drafts.get(key), trials.get(key)))])),
    targets: new Map([...targets].map(([key, to]) => [key, sortIdentities(to)])),
    faults,
  };
}

/**
 * The part of a destination's rules that applies to one of its ports. HTTP rules never open a TCP port, nor the other
 * way round.
 */
export function accessTo(rules: AccessRules, protocol: Protocol, targetPort: number): RuleAccess {
  if (isHttp(protocol)) return { mode: 'rules', http: rules.http, tcp: [] };
  return { mode: 'rules', http: [], tcp: rules.tcp.filter(({ ports }) => ports?.includes(targetPort) ?? true) };
}
