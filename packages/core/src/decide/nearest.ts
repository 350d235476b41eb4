import { identityKey } from '../model/names.ts';
import { isHttp } from '../model/protocol.ts';
import type { Identity, Origin, Protocol } from '../plan/types.ts';
import type { AccessRules } from '../policies/access/access.ts';
import type { NearestMiss } from './call.ts';
import { mismatches, type Request } from './match.ts';
import { requestSeen, requestSeenStrictly, tellPathsApart } from './request.ts';

/** What was asked of whom. */
export interface Denied {
  readonly source: Identity;
  readonly target: Identity;
  readonly targetPort: number;
  readonly protocol: Protocol;
  /** Undefined for a plain connection. */
  readonly request: Request | undefined;
}

interface Candidate {
  readonly origins: readonly Origin[];
  readonly sourceFails: boolean;
  readonly others: readonly string[];
}

const isIn = (identity: Identity, identities: readonly Identity[]): boolean =>
  identities.some(
    ({ namespace, serviceAccount }) => namespace === identity.namespace && serviceAccount === identity.serviceAccount,
  );

function* candidates(rules: AccessRules, { source, targetPort, protocol, request }: Denied): Generator<Candidate> {
  if (isHttp(protocol) && request !== undefined) {
    const seen = tellPathsApart(rules.http) ? requestSeenStrictly(request) : requestSeen(request);
    const ambiguous = [`path ${request.path} has an escaped slash, and is refused where rules tell paths apart`];
    for (const { match, sources, origins } of rules.http) {
      const others = seen === undefined ? ambiguous : [...mismatches(match, seen)];
      yield { origins, sourceFails: !isIn(source, sources), others };
    }
  } else if (!isHttp(protocol)) {
    for (const { ports, sources, origins } of rules.tcp) {
      const open = ports?.includes(targetPort) ?? true;
      const others = open ? [] : [`port ${targetPort} is not ${ports?.join(' or ')}`];
      yield { origins, sourceFails: !isIn(source, sources), others };
    }
  }
}

const named = ({ kind, namespace, name, field }: Origin): string => `${field} of ${kind} ${namespace}/${name}`;

function changeFor({ origins, sourceFails, others }: Candidate, source: Identity): string {
  const [target, route = target] = origins;
  const changes: string[] = [];
  if (sourceFails && target !== undefined) {
    const { kind, namespace, name } = target;
    changes.push(`add ServiceAccount ${identityKey(source)} to spec.sources of ${kind} ${namespace}/${name}`);
  }
  if (others.length > 0 && route !== undefined) changes.push(`widen ${named(route)}, as ${others.join(', ')}`);
  return changes.join('; ');
}

function changeWithout({ source, target, protocol, targetPort }: Denied): string {
  const rule = isHttp(protocol) ? 'an HTTPRouteGroup match for the request' : `a TCPRoute for port ${targetPort}`;
  return (
    `create a TrafficTarget in namespace ${target.namespace} with destination ServiceAccount ` +
    `${target.serviceAccount}, source ServiceAccount ${identityKey(source)} and ${rule}`
  );
}

/** The rule with the fewest conditions that fail; among equals the first. */
export function nearestMiss(rules: AccessRules, denied: Denied): NearestMiss {
  let best: Candidate | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates(rules, denied)) {
    const fails = candidate.others.length + (candidate.sourceFails ? 1 : 0);
    if (fails >= least) continue;
    best = candidate;
    least = fails;
  }
  if (best === undefined) {
    const kind = isHttp(denied.protocol) ? 'HTTP' : 'TCP';
    return { origins: [], failed: [`no ${kind} rule lets anybody in`], change: changeWithout(denied) };
  }
  const source = best.sourceFails ? [`${identityKey(denied.source)} is not among the sources`] : [];
  return { origins: best.origins, failed: [...source, ...best.others], change: changeFor(best, denied.source) };
}
