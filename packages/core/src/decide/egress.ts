import { identityKey } from '../model/names.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { egressOf, type PlanCache } from '../plan/cache.ts';
import type { EgressPort, Identity } from '../plan/types.ts';
import { isWildcard, namesOf } from '../xds/egress-port.ts';
import { restrictsPath } from '../xds/http-match.ts';
import { isServiceAddress, podAt } from './answering.ts';
import type { Call, Decision, Step } from './call.ts';
import { mismatches, type Request } from './match.ts';
import { decideOutside, isInRange } from './outside.ts';
import { requestSeen, requestSeenStrictly } from './request.ts';
import { spell } from './route.ts';

const DEFAULT_PORT = 80;

/**
 * Whether a Host header or server name is one that a policy names, as Envoy's virtual hosts take it: with the port or
 * without. `*.example.com` is any name below `example.com`; such names are looked up as they are written, so that the
 * port may be left out only where it is 80.
 */
function isNamed(host: string, name: string, port: number): boolean {
  const withPort = host.endsWith(`:${port}`);
  const bare = withPort ? host.slice(0, -`:${port}`.length) : host;
  if (!isWildcard(name)) return bare === name;
  return (withPort || port === DEFAULT_PORT) && bare.length > name.length - 1 && bare.endsWith(name.slice(1));
}

const addressOf = ({ to }: Call['destination']): string | undefined => ('address' in to ? to.address : undefined);

function* rangeFailures({ ranges }: EgressPort, call: Call): Generator<string> {
  if (ranges.length > 0 && !ranges.some((range) => isInRange(addressOf(call.destination), range))) {
    yield `the address is not in ${ranges.join(', ')}`;
  }
}

/** What of a policy for HTTP does not hold for a request; `seen` is undefined when the proxy does not take its path. */
function* requestFailures(egress: EgressPort, call: Call, seen: Request | undefined): Generator<string> {
  const host = seen?.host.toLowerCase() ?? '';
  if (seen !== undefined && !namesOf(egress).some((name) => isNamed(host, name, egress.port))) {
    yield `host ${host || 'none'} is not ${egress.hosts.join(' or ')}`;
  }
  yield* rangeFailures(egress, call);
  if (seen === undefined) {
    yield `path ${call.path} is none that the proxy takes`;
    return;
  }
  let best: readonly string[] | undefined;
  for (const match of egress.matches) {
    const failed = [...mismatches(match, seen)];
    if (best === undefined || failed.length < best.length) best = failed;
  }
  yield* best ?? ['no route group that the policy names matches anything'];
}

/** What of a policy for connections does not hold. Bytes are bytes: HTTP may go where TCP may. */
function* connectionFailures(egress: EgressPort, call: Call): Generator<string> {
  const { protocol, hosts, port } = egress;
  if (protocol === 'http') yield `port ${port} is let out for http`;
  if (protocol === 'https' && hosts.length > 0) {
    const name = call.protocol === 'tcp' ? (call.destination.host ?? '').toLowerCase().replace(/:\d+$/, '') : '';
    if (!namesOf(egress).some((each) => isNamed(name, each, DEFAULT_PORT))) {
      yield `server name ${name || 'none'} is not ${hosts.join(' or ')}`;
    }
  }
  yield* rangeFailures(egress, call);
}

/** What becomes of what leaves a proxy as it came, at an address of the mesh; undefined for other addresses. */
function endsInMesh(snapshot: Snapshot, call: Call, cache: PlanCache): Decision | undefined {
  const { destination } = call;
  const address = addressOf(destination);
  if (address === undefined) return undefined;
  const where = spell(destination);
  if (isServiceAddress(snapshot, address)) {
    const text = `${where} is no port of the service of the mesh at that address, and such addresses never pass through`;
    return { verdict: 'not-routed', distribution: [], proof: [{ stage: 'route', text }] };
  }
  const pod = podAt(snapshot, address);
  if (pod === undefined) return undefined;
  // Without a certificate the workload is a stranger, and goes where strangers may.
  const asStranger = decideOutside(snapshot, {}, call, cache);
  if (asStranger.verdict === 'allowed') return asStranger;
  const text = `${where} is pod ${pod}, which takes calls by its services only: what passes through has no certificate`;
  return { verdict: 'not-routed', distribution: [], proof: [{ stage: 'authentication', text }] };
}

function passes(source: Identity, call: Call, snapshot: Snapshot, cache: PlanCache): Decision {
  const { config, configObject } = snapshot;
  const origin = configObject && { ...configObject, field: 'spec.traffic.enableEgress' };
  const step = (text: string): Step => ({ stage: 'route', text, ...(origin && { origin }) });
  const where = spell(call.destination);
  if (!config.traffic.enableEgress) {
    const proof = [step(`${where} is not of the mesh, and nothing lets ${identityKey(source)} call out`)];
    return { verdict: 'not-routed', distribution: [], proof };
  }
  const inMesh = endsInMesh(snapshot, call, cache);
  if (inMesh !== undefined) return inMesh;
  const distribution = [{ upstream: 'passthrough-outbound', weight: 1, verdict: 'allowed' as const }];
  return {
    verdict: 'allowed',
    distribution,
    proof: [step(`${where} is not of the mesh, and passes through unchanged`)],
  };
}

interface Tried {
  readonly egress: EgressPort;
  readonly failed: readonly string[];
}

function lets(source: Identity, call: Call, { origins: [origin] }: EgressPort, upstream: string): Decision {
  const text = `an Egress lets ${identityKey(source)} call ${spell(call.destination)}`;
  return {
    verdict: 'allowed',
    distribution: [{ upstream, weight: 1, verdict: 'allowed' }],
    proof: [{ stage: 'route', text, ...(origin && { origin }) }],
  };
}

function refuses({ egress: { origins }, failed }: Tried): Decision {
  const [origin] = origins;
  const change = `widen Egress ${origin?.namespace}/${origin?.name}, as ${failed.join(', ')}`;
  return {
    verdict: 'denied',
    distribution: [],
    proof: [{ stage: 'route', text: failed.join('; '), ...(origin && { origin }) }],
    nearestMiss: { origins, failed, change },
  };
}

/** The policy of which least does not hold; among equals the first. */
const nearestOf = (tried: readonly Tried[]): Tried | undefined =>
  tried.reduce<Tried | undefined>(
    (best, each) => (best !== undefined && best.failed.length <= each.failed.length ? best : each),
    undefined,
  );

/** Requests on a port with policies for HTTP: these alone decide, and where one goes its host's name says. */
function decideRequest(source: Identity, call: Call, sent: Request, http: readonly EgressPort[]): Decision {
  const strict = http.some(({ matches }) => matches.some(restrictsPath));
  const seen = strict ? requestSeenStrictly(sent) : requestSeen(sent);
  const nearest = nearestOf(http.map((egress) => ({ egress, failed: [...requestFailures(egress, call, seen)] })))!;
  if (nearest.failed.length > 0) return refuses(nearest);
  const host = sent.host.toLowerCase().replace(/:\d+$/, '');
  const { egress } = nearest;
  return lets(source, call, egress, `${host}:${egress.port}${egress.tls === undefined ? '' : '|tls'}`);
}

/**
 * Decides on a call that no service of the caller's takes: Egress policies first, then what passes through. `inMesh` is
 * the answer where the mesh has what is dialled.
 */
export function decideEgress(
  snapshot: Snapshot,
  source: Identity,
  call: Call,
  sent: Request,
  cache: PlanCache,
  inMesh: Decision | undefined,
): Decision {
  const policies = egressOf(snapshot, source, cache).filter(({ port }) => port === call.destination.port);
  const http = call.protocol === 'http' ? policies.filter(({ protocol }) => protocol === 'http') : [];
  if (http.length > 0) {
    const address = addressOf(call.destination);
    const closed = snapshot.config.traffic.enableEgress && address !== undefined && isServiceAddress(snapshot, address);
    if (closed) return inMesh ?? endsInMesh(snapshot, call, cache) ?? decideRequest(source, call, sent, http);
    const decision = decideRequest(source, call, sent, http);
    return decision.verdict === 'allowed' ? decision : (inMesh ?? decision);
  }
  const nearest = nearestOf(policies.map((egress) => ({ egress, failed: [...connectionFailures(egress, call)] })));
  const leaves = nearest?.failed.length === 0 || snapshot.config.traffic.enableEgress;
  const end = leaves ? endsInMesh(snapshot, call, cache) : undefined;
  if (end?.verdict === 'allowed') return end;
  if (inMesh !== undefined) return inMesh;
  if (nearest?.failed.length === 0) return end ?? lets(source, call, nearest.egress, `${nearest.egress.port}`);
  if (nearest === undefined || snapshot.config.traffic.enableEgress) return passes(source, call, snapshot, cache);
  return refuses(nearest);
}
