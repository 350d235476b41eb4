import { identityKey } from '../model/names.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { egressOf, type PlanCache } from '../plan/cache.ts';
import type { EgressPort, Identity } from '../plan/types.ts';
import { isServiceAddress, podAt } from './answering.ts';
import type { Call, Decision, Step } from './call.ts';
import { mismatches, type Request } from './match.ts';
import { isInRange } from './outside.ts';
import { spell } from './route.ts';

/** Whether a host has a name; `*.example.com` is any name below `example.com` (Envoy's virtual host domains). */
export function hasName(host: string, name: string): boolean {
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length > name.length - 1 : host === name;
}

const addressOf = ({ to }: Call['destination']): string | undefined => ('address' in to ? to.address : undefined);
const hostOf = (host: string | undefined): string => (host ?? '').toLowerCase().replace(/:\d+$/, '');

/** What of an Egress port does not hold for a call. */
function* failures(egress: EgressPort, call: Call, request: Request): Generator<string> {
  const { protocol, hosts, ranges, matches } = egress;
  const http = protocol === 'http';
  if (http !== (call.protocol === 'http')) yield `port ${egress.port} is let out for ${protocol}`;
  const host = hostOf(request.host);
  if (hosts.length > 0 && !hosts.some((name) => hasName(host, name))) {
    yield `host ${host || 'none'} is not ${hosts.join(' or ')}`;
  }
  if (ranges.length > 0 && !ranges.some((range) => isInRange(addressOf(call.destination), range))) {
    yield `the address is not in ${ranges.join(', ')}`;
  }
  if (!http) return;
  let best: readonly string[] | undefined;
  for (const match of matches) {
    const failed = [...mismatches(match, request)];
    if (best === undefined || failed.length < best.length) best = failed;
  }
  yield* best ?? ['no route group that the policy names matches anything'];
}

function passes(source: Identity, call: Call, snapshot: Snapshot): Decision {
  const { config, configObject } = snapshot;
  const origin = configObject && { ...configObject, field: 'spec.traffic.enableEgress' };
  const step = (text: string): Step => ({ stage: 'route', text, ...(origin && { origin }) });
  const where = spell(call.destination);
  if (!config.traffic.enableEgress) {
    const proof = [step(`${where} is not of the mesh, and nothing lets ${identityKey(source)} call out`)];
    return { verdict: 'not-routed', distribution: [], proof };
  }
  const address = addressOf(call.destination);
  if (address !== undefined && isServiceAddress(snapshot, address)) {
    const text = `${where} is no port of the service of the mesh at that address, and such addresses never pass through`;
    return { verdict: 'not-routed', distribution: [], proof: [{ stage: 'route', text }] };
  }
  const pod = address === undefined ? undefined : podAt(snapshot, address);
  if (pod !== undefined) {
    const text = `${where} is pod ${pod}, which takes calls by its services only: what passes through has no certificate`;
    return { verdict: 'not-routed', distribution: [], proof: [{ stage: 'authentication', text }] };
  }
  const distribution = [{ upstream: 'passthrough-outbound', weight: 1, verdict: 'allowed' as const }];
  return {
    verdict: 'allowed',
    distribution,
    proof: [step(`${where} is not of the mesh, and passes through unchanged`)],
  };
}

/** Decides on a call to outside the mesh: Egress policies first, then what passes through. */
export function decideEgress(
  snapshot: Snapshot,
  source: Identity,
  call: Call,
  request: Request,
  cache: PlanCache,
): Decision {
  const { port } = call.destination;
  let nearest: { readonly egress: EgressPort; readonly failed: readonly string[] } | undefined;
  for (const egress of egressOf(snapshot, source, cache)) {
    if (egress.port !== port) continue;
    const failed = [...failures(egress, call, request)];
    if (failed.length === 0) {
      const [origin] = egress.origins;
      const text = `an Egress lets ${identityKey(source)} call ${spell(call.destination)}`;
      const tls = egress.tls === undefined ? '' : '|tls';
      const upstream = egress.protocol === 'http' ? `${hostOf(request.host)}:${port}${tls}` : `${port}`;
      return {
        verdict: 'allowed',
        distribution: [{ upstream, weight: 1, verdict: 'allowed' }],
        proof: [{ stage: 'route', text, ...(origin && { origin }) }],
      };
    }
    if (nearest === undefined || failed.length < nearest.failed.length) nearest = { egress, failed };
  }
  // What is HTTP on a port with HTTP policies stays with them; the rest may pass through where that is on.
  const kept = nearest?.egress.protocol === 'http' && call.protocol === 'http';
  if (nearest === undefined || (snapshot.config.traffic.enableEgress && !kept)) return passes(source, call, snapshot);
  const { origins } = nearest.egress;
  const [origin] = origins;
  const change = `widen Egress ${origin?.namespace}/${origin?.name}, as ${nearest.failed.join(', ')}`;
  return {
    verdict: 'denied',
    distribution: [],
    proof: [{ stage: 'route', text: nearest.failed.join('; '), ...(origin && { origin }) }],
    nearestMiss: { origins, failed: nearest.failed, change },
  };
}
