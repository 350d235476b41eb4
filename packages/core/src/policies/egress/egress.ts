import type { EgressSpec } from '@osm/api';
import { identityKey, objectKey } from '../../model/names.ts';
import type { Policies, Policy, PolicyFault, Snapshot } from '../../model/snapshot.ts';
import type { EgressPort, HttpMatch, Origin } from '../../plan/types.ts';
import { connectionLimitsOf } from '../upstream-traffic-setting/upstream-traffic-setting.ts';
import { egressConflicts } from './conflicts.ts';
import { egressTls } from './tls.ts';

/** Egress policies, folded. */
export interface EgressTable {
  /** By source identity: what it may call outside the mesh, in order of the policies' names and of their ports. */
  readonly ports: ReadonlyMap<string, readonly EgressPort[]>;
  readonly faults: readonly PolicyFault[];
}

type Egress = Policy<EgressSpec>;

const PROTOCOLS: ReadonlySet<string> = new Set(['http', 'https', 'tcp', 'tcp-server-first']);
const isProtocol = (protocol: string): protocol is EgressPort['protocol'] => PROTOCOLS.has(protocol);

const ANY_REQUEST: readonly HttpMatch[] = Object.freeze([
  Object.freeze({ path: '.*', headers: Object.freeze([]) as HttpMatch['headers'] }),
]);

interface References {
  readonly matches: readonly HttpMatch[];
  readonly limits?: EgressPort['limits'];
  readonly origins: readonly Origin[];
}

/** What `spec.matches` refers to; undefined when the policy must be ignored, as its limits would not hold. */
function* resolve(
  { object, spec }: Egress,
  groups: Policies['httpRouteGroups'],
  settings: Policies['upstreamTrafficSettings'],
): Generator<PolicyFault, References | undefined> {
  const matches: HttpMatch[] = [];
  const origins: Origin[] = [];
  let limits: EgressPort['limits'];
  let restricted = false;
  for (const [index, { kind, name }] of (spec.matches ?? []).entries()) {
    const field = `spec.matches[${index}]`;
    const key = objectKey(object.namespace, name);
    if (kind === 'HTTPRouteGroup') {
      restricted = true;
      const group = groups.get(key);
      if (group === undefined) yield { object, field, message: `there is no HTTPRouteGroup ${name}` };
      for (const { match, field: at } of group?.matches.values() ?? []) {
        matches.push(match);
        if (group) origins.push({ ...group.object, field: at });
      }
    } else if (kind === 'UpstreamTrafficSetting') {
      const setting = settings.get(key);
      if (setting === undefined) {
        yield {
          object,
          field,
          message: `there is no UpstreamTrafficSetting ${name}; the Egress is not in force without`,
        };
        return undefined;
      }
      limits = connectionLimitsOf(setting.spec);
      origins.push({ ...setting.object, field: 'spec.connectionSettings' });
    } else yield { object, field, message: `${kind} is neither HTTPRouteGroup nor UpstreamTrafficSetting` };
  }
  return { matches: restricted ? matches : ANY_REQUEST, ...(limits && { limits }), origins };
}

function* portsOf(
  egress: Egress,
  { matches, limits, origins }: References,
  bundles: Snapshot['caBundles'],
): Generator<PolicyFault, readonly EgressPort[]> {
  const { object, spec } = egress;
  const hosts = (spec.hosts ?? []).map((host) => host.toLowerCase());
  const ports: EgressPort[] = [];
  for (const [index, { number, protocol: said, tls: wanted }] of spec.ports.entries()) {
    const field = `spec.ports[${index}]`;
    const protocol = said.toLowerCase();
    if (!isProtocol(protocol)) {
      yield { object, field: `${field}.protocol`, message: `${said} is none of ${[...PROTOCOLS].join(', ')}` };
      continue;
    }
    if (protocol === 'http' && hosts.length === 0) {
      yield {
        object,
        field: 'spec.hosts',
        message: `HTTP on port ${number} needs hosts: requests are let out by host`,
      };
      continue;
    }
    if (wanted !== undefined && protocol !== 'http') {
      const message = `is for http, where the client speaks no TLS itself; ${protocol} passes unchanged`;
      yield { object, field: `${field}.tls`, message };
      continue;
    }
    const tls = wanted && (yield* egressTls(wanted, hosts, object, `${field}.tls`, bundles));
    if (wanted !== undefined && tls === undefined) continue;
    const named = protocol === 'http' || protocol === 'https';
    ports.push({
      port: number,
      protocol,
      hosts: named ? hosts : [],
      ranges: spec.ipAddresses ?? [],
      matches: protocol === 'http' ? matches : ANY_REQUEST,
      ...(limits && { limits }),
      ...(tls && { tls }),
      origins: [{ ...object, field }, ...origins],
    });
  }
  return ports;
}

/** Runs a generator of faults, and keeps them. */
function collect<T>(generator: Generator<PolicyFault, T>, faults: PolicyFault[]): T {
  for (let step = generator.next(); ; step = generator.next()) {
    if (step.done) return step.value;
    faults.push(step.value);
  }
}

/** Several sources may have the same conflict. */
const once = (faults: readonly PolicyFault[]): readonly PolicyFault[] => [
  ...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values(),
];

const sameMeaning = (port: EgressPort): string => JSON.stringify({ ...port, origins: [] });

/**
 * Folds Egress policies by source. Route groups and settings are those of the policy's own namespace. A policy that
 * names route groups lets out only what they match, which is nothing when they are missing.
 */
export function foldEgress(
  egresses: Policies['egresses'],
  groups: Policies['httpRouteGroups'],
  settings: Policies['upstreamTrafficSettings'],
  bundles: Snapshot['caBundles'],
): EgressTable {
  const bySource = new Map<string, Map<string, EgressPort>>();
  const faults: PolicyFault[] = [];
  const conflicts: PolicyFault[] = [];
  for (const egress of egresses.values()) {
    const references = collect(resolve(egress, groups, settings), faults);
    if (references === undefined) continue;
    const ports = collect(portsOf(egress, references, bundles), faults);
    for (const { namespace, name } of egress.spec.sources) {
      const source = identityKey({ namespace, serviceAccount: name });
      const own = bySource.get(source) ?? new Map<string, EgressPort>();
      bySource.set(source, own);
      for (const port of ports) {
        const key = sameMeaning(port);
        const known = own.get(key);
        if (known === undefined) conflicts.push(...egressConflicts(own.values(), port));
        own.set(key, known === undefined ? port : { ...known, origins: [...known.origins, ...port.origins] });
      }
    }
  }
  return {
    ports: new Map([...bySource].map(([source, ports]) => [source, [...ports.values()]])),
    faults: [...faults, ...once(conflicts)],
  };
}
