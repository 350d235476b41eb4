import type { HTTPRouteGroupSpec, Parsed, TrafficTargetSpec } from '@osm/api';
import type { HttpMatch } from '../plan/types.ts';
import { byText } from './names.ts';
import type { MeshObject } from './objects.ts';
import { patternFault } from './regex.ts';
import type { ObjectRef, Policy, PolicyFault, RouteGroup, TrafficTargetPolicy } from './snapshot.ts';

/** An object as read: the policy unless it is faulty as a whole, and its faults. */
export interface ReadPolicy<P> {
  readonly policy?: P;
  readonly faults: readonly PolicyFault[];
}

/** Names an object for statuses and proofs. */
export const refOf = (kind: string, object: MeshObject): ObjectRef => ({
  kind,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
  generation: object.metadata.generation ?? 0,
});

/** A reader of one kind by its parser. `check` finds what a schema cannot say; any of its faults drops the object. */
export function policyReader<Spec>(
  kind: string,
  parse: (object: { readonly spec?: unknown }) => Parsed<Spec>,
  check: (spec: Spec, object: ObjectRef) => readonly { readonly field: string; readonly message: string }[] = () => [],
): (object: MeshObject) => ReadPolicy<Policy<Spec>> {
  return (object) => {
    const ref = refOf(kind, object);
    const parsed = parse({ spec: object.spec });
    const faults = parsed.ok ? check(parsed.spec, ref) : parsed.faults;
    if (parsed.ok && faults.length === 0) return { policy: { object: ref, spec: parsed.spec }, faults: [] };
    return { faults: faults.map(({ field, message }) => ({ object: ref, field, message })) };
  };
}

/** Rules of a TrafficTarget (OSM 1.2): it stands beside its destination, has rules, and only of kinds the mesh serves. */
export function* checkTrafficTarget(
  spec: TrafficTargetSpec,
  object: ObjectRef,
): Generator<{ readonly field: string; readonly message: string }> {
  const { destination, rules = [], sources = [] } = spec;
  if (destination.kind !== 'ServiceAccount') {
    yield { field: 'spec.destination.kind', message: `must be ServiceAccount, not ${destination.kind}` };
  }
  if (destination.namespace !== object.namespace) {
    yield {
      field: 'spec.destination.namespace',
      message: `must be ${object.namespace}, the namespace of the TrafficTarget`,
    };
  }
  if (rules.length === 0) yield { field: 'spec.rules', message: 'must name at least one route' };
  for (const [index, { kind }] of rules.entries()) {
    if (kind === 'UDPRoute') yield { field: `spec.rules[${index}].kind`, message: 'UDP is not proxied' };
  }
  for (const [index, { kind }] of sources.entries()) {
    if (kind !== 'ServiceAccount') {
      yield { field: `spec.sources[${index}].kind`, message: `must be ServiceAccount, not ${kind}` };
    }
  }
}

/** Annotation of a TrafficTarget that is to be tried without being in force. */
export const AUDIT_ANNOTATION = 'openservicemesh.io/audit';

/** Marks a TrafficTarget that is audited. One that may be meant so is: nobody is let in by a slip of the pen. */
export function readAudit(
  read: ReadPolicy<Policy<TrafficTargetSpec>>,
  object: MeshObject,
): ReadPolicy<TrafficTargetPolicy> {
  const word = object.metadata.annotations?.[AUDIT_ANNOTATION];
  const meant = word?.trim().toLowerCase() ?? 'false';
  if (read.policy === undefined || ['false', 'no', 'disabled'].includes(meant)) return read;
  const message = `${JSON.stringify(word)} is not true or false; the TrafficTarget is audited`;
  const field = `metadata.annotations[${AUDIT_ANNOTATION}]`;
  const understood = ['true', 'yes', 'enabled'].includes(meant);
  return {
    policy: { ...read.policy, audit: true },
    faults: understood ? read.faults : [...read.faults, { object: read.policy.object, field, message }],
  };
}

/** Names of HTTP headers (RFC 9110 token), and the pseudo header of the host. */
const HEADER_NAME = /^(:authority|[!#$%&'*+.^_`|~0-9a-z-]+)$/;

type SpecMatch = NonNullable<HTTPRouteGroupSpec['matches']>[number];

/** The match that an entry of an HTTPRouteGroup means. Without a path any path matches, without methods any method. */
export function httpMatchOf({ pathRegex, methods = [], headers = [] }: SpecMatch): HttpMatch {
  const pairs = (Array.isArray(headers) ? headers : [headers]).flatMap((map) => Object.entries(map));
  const named = pairs.map(([name, regex]) => {
    const lower = name.toLowerCase();
    return { name: lower === 'host' ? ':authority' : lower, regex };
  });
  const sorted = named.sort((a, b) => byText(a.name, b.name) || byText(a.regex, b.regex));
  const any = methods.length === 0 || methods.includes('*');
  return {
    path: pathRegex || '.*',
    ...(!any && { methods: [...new Set(methods)].sort(byText) }),
    headers: sorted,
  };
}

function* matchFaults(
  match: HttpMatch,
  field: string,
): Generator<{ readonly field: string; readonly message: string }> {
  const path = patternFault(match.path);
  if (path !== undefined) yield { field: `${field}.pathRegex`, message: path };
  for (const { name, regex } of match.headers) {
    if (!HEADER_NAME.test(name))
      yield { field: `${field}.headers`, message: `${JSON.stringify(name)} is no header name` };
    const fault = patternFault(regex);
    if (fault !== undefined) yield { field: `${field}.headers`, message: `${name}: ${fault}` };
  }
}

/** Adds the matches to a route group that was read. A match that is faulty is left out, and its siblings stay. */
export function readMatches(
  read: ReadPolicy<Policy<HTTPRouteGroupSpec>>,
): ReadPolicy<Policy<HTTPRouteGroupSpec> & RouteGroup> {
  const { policy } = read;
  if (policy === undefined) return { faults: read.faults };
  const matches = new Map<string, { readonly match: HttpMatch; readonly field: string }>();
  const faults: PolicyFault[] = [];
  for (const [index, entry] of (policy.spec.matches ?? []).entries()) {
    const field = `spec.matches[${index}]`;
    const match = httpMatchOf(entry);
    const found = [...matchFaults(match, field)];
    if (found.length === 0) matches.set(entry.name, { match, field });
    faults.push(...found.map((fault) => ({ object: policy.object, ...fault })));
  }
  return { policy: { ...policy, matches }, faults };
}
