import { identityKey, serviceKey } from '../model/names.ts';
import { isHttp } from '../model/protocol.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { createPlanCache, type PlanCache, reachOf, rulesOf } from '../plan/cache.ts';
import type { Reach } from '../plan/reach.ts';
import type { Destination, Identity, OutboundService, Upstream } from '../plan/types.ts';
import { accessTo, NO_RULES } from '../policies/access/access.ts';
import { answering } from './answering.ts';
import { authorize } from './authorize.ts';
import type { Call, Decision, NearestMiss, Outcome, Step, Verdict } from './call.ts';
import { decideEgress } from './egress.ts';
import { tellLastGood } from './last-good.ts';
import { matches, type Request } from './match.ts';
import { auditStep, openStep } from './mode.ts';
import { nearestMiss } from './nearest.ts';
import { decideOutside } from './outside.ts';
import { requestOf, requestSeen } from './request.ts';
import { findOutbound, spell, unreachable } from './route.ts';

const caches = new WeakMap<Snapshot, PlanCache>();

function cacheOf(snapshot: Snapshot): PlanCache {
  const known = caches.get(snapshot) ?? createPlanCache();
  caches.set(snapshot, known);
  return known;
}

/** What the servers of one upstream make of the call. */
interface Judged {
  readonly verdict: Verdict;
  readonly miss?: NearestMiss;
}

function judge(
  snapshot: Snapshot,
  cache: PlanCache,
  source: Identity,
  upstream: Upstream,
  servers: readonly Identity[],
  request: Request | undefined,
  proof: Step[],
): Judged {
  if (isHttp(upstream.protocol) && request === undefined) {
    const text = `${upstream.key} reads HTTP: bytes that are none are answered with 400`;
    proof.push({ stage: 'authorization', text });
    return { verdict: 'not-routed' };
  }
  // Of ports that have one target the first decides on how it is read, whichever was dialled.
  const read = isHttp(upstream.protocol) ? request : undefined;
  for (const server of servers) {
    const rules = rulesOf(snapshot, server, cache);
    const audit = auditStep(snapshot, cache, source, server, upstream, read);
    if (audit !== undefined) proof.push(audit);
    if (rules === undefined) continue;
    const access = accessTo(rules, upstream.protocol, upstream.targetPort);
    const step = authorize(access, source, server, upstream, read);
    proof.push(step.step);
    if (step.allowed) continue;
    const { targetPort, protocol } = upstream;
    return { verdict: 'denied', miss: nearestMiss(rules, { source, target: server, targetPort, protocol, request }) };
  }
  return { verdict: 'allowed' };
}

function follow(
  snapshot: Snapshot,
  cache: PlanCache,
  source: Identity,
  reach: Reach,
  destination: Destination,
  request: Request | undefined,
  proof: Step[],
): Judged {
  const { upstream: key } = destination;
  const upstream = reach.upstreams.get(key);
  const assignment = reach.assignments.get(key);
  const servers = assignment === undefined ? [] : answering(snapshot, assignment);
  const [stranger] = upstream?.servers ?? [];
  if (upstream === undefined || stranger === undefined || servers.length === 0) {
    const present = snapshot.endpoints.get(key)?.some(({ identity }) => identity !== undefined) ?? false;
    const which = present
      ? 'ready endpoint behind it is of a service account that the caller may call'
      : 'endpoint is ready';
    proof.push({ stage: 'split', text: `${key}: no ${which}` });
    if (!present || upstream === undefined || stranger === undefined) return { verdict: 'not-routed' };
    const { targetPort, protocol } = upstream;
    const rules = rulesOf(snapshot, stranger, cache) ?? NO_RULES;
    return { verdict: 'denied', miss: nearestMiss(rules, { source, target: stranger, targetPort, protocol, request }) };
  }
  proof.push({
    stage: 'authentication',
    text: `${identityKey(source)} and ${servers.map(identityKey).join(', ')} prove themselves by mutual TLS`,
  });
  return judge(snapshot, cache, source, upstream, servers, request, proof);
}

/** Denied when any part is denied, as that is what callers will complain of. */
function overall(distribution: readonly Outcome[]): Verdict {
  const parts = distribution.filter(({ weight }) => weight > 0);
  if (parts.some(({ verdict }) => verdict === 'denied')) return 'denied';
  return parts.length === 0 || parts.some(({ verdict }) => verdict === 'not-routed') ? 'not-routed' : 'allowed';
}

function routed(
  snapshot: Snapshot,
  cache: PlanCache,
  source: Identity,
  reach: Reach,
  outbound: OutboundService,
  call: Call,
): Decision {
  const proof: Step[] = [];
  const { service, port, protocol, routes } = outbound;
  const name = `${serviceKey(service)}:${port}`;
  if (call.protocol === 'tcp' && isHttp(protocol)) {
    proof.push({ stage: 'route', text: `${name} is an HTTP port: bytes that are no HTTP are answered with 400` });
    return { verdict: 'not-routed', distribution: [], proof };
  }
  const sent = call.protocol === 'http' ? requestOf(call, service, port) : undefined;
  const request = isHttp(protocol) && sent ? requestSeen(sent) : sent;
  if (sent !== undefined && request === undefined) {
    proof.push({ stage: 'route', text: `${sent.path} is no path that a proxy takes: it is answered with 400` });
    return { verdict: 'not-routed', distribution: [], proof };
  }
  const route = routes.find(
    ({ match }) => match === undefined || (isHttp(protocol) && request !== undefined && matches(match, request)),
  );
  const [origin] = route?.origins ?? [];
  proof.push({ stage: 'route', text: `${identityKey(source)} has a route to ${name} (${protocol})` });
  if (route === undefined || route.destinations.length === 0) {
    proof.push({ stage: 'split', text: `the weights of ${name} leave nowhere to go`, ...(origin && { origin }) });
    return { verdict: 'not-routed', distribution: [], proof };
  }
  if (origin) {
    const parts = route.destinations.map(({ upstream, weight }) => `${upstream} ${weight}`).join(', ');
    proof.push({ stage: 'split', text: `requests are shared: ${parts}`, origin });
  }
  let miss: NearestMiss | undefined;
  const distribution: Outcome[] = [];
  for (const destination of route.destinations) {
    const { upstream, weight } = destination;
    const judged = follow(snapshot, cache, source, reach, destination, request, proof);
    distribution.push({ upstream, weight, verdict: judged.verdict });
    if (weight > 0) miss ??= judged.miss;
  }
  const called = route.destinations.map(({ upstream }) => reach.upstreams.get(upstream)?.service.namespace);
  for (const namespace of new Set(called)) {
    const open = namespace === undefined ? undefined : openStep(snapshot, namespace);
    if (open !== undefined) proof.push(open);
  }
  return { verdict: overall(distribution), distribution, proof, ...(miss && { nearestMiss: miss }) };
}

function findDecision(snapshot: Snapshot, call: Call, cache: PlanCache): Decision {
  const { source } = call;
  if ('outside' in source) return decideOutside(snapshot, source.outside, call, cache);
  // Without the mesh's namespace there is no sidecar, and no certificate.
  if (!snapshot.namespaces.has(source.namespace)) return decideOutside(snapshot, {}, call, cache);
  const reach = reachOf(snapshot, source, cache);
  const { to, port } = call.destination;
  const outbound = findOutbound(reach, call.destination);
  if (outbound !== undefined) return routed(snapshot, cache, source, reach, outbound, call);
  const request = requestOf(call, 'name' in to ? to : undefined, port);
  const reason = unreachable(snapshot, source, call, request, cache);
  if ('address' in to) return decideEgress(snapshot, source, call, request, cache, reason);
  if (reason !== undefined) return reason;
  if (call.destination.host !== undefined) return decideEgress(snapshot, source, call, request, cache, undefined);
  const proof: Step[] = [
    { stage: 'route', text: `the mesh has no service port ${spell(call.destination)} that can be dialled` },
  ];
  return { verdict: 'not-routed', distribution: [], proof };
}

/**
 * Whether a call would go through, where it would go, and why: the very plans that the proxies are given are walked, the
 * caller's outbound part first, then the inbound part of each workload that may answer. Total: any call has an answer.
 * Pure; `cache` may be the one that proxies are planned with.
 */
export function decide(snapshot: Snapshot, call: Call, cache: PlanCache = cacheOf(snapshot)): Decision {
  const decision = findDecision(snapshot, call, cache);
  return { ...decision, proof: decision.proof.map(tellLastGood) };
}
