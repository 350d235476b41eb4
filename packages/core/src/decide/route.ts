import { identityKey, objectKey, serviceKey } from '../model/names.ts';
import type { MeshService, Snapshot } from '../model/snapshot.ts';
import { type PlanCache, rulesOf, turnTo } from '../plan/cache.ts';
import type { Reach } from '../plan/reach.ts';
import type { Identity, OutboundService } from '../plan/types.ts';
import { podAt } from './answering.ts';
import type { Call, Decision } from './call.ts';
import type { Request } from './match.ts';
import { nearestMiss } from './nearest.ts';

const indexes = new WeakMap<readonly OutboundService[], ReadonlyMap<string, OutboundService>>();

/** Outbound services by `<namespace>/<name>:<port>`, and by `<address> <port>`. */
function indexOf(outbound: readonly OutboundService[]): ReadonlyMap<string, OutboundService> {
  const known = indexes.get(outbound);
  if (known !== undefined) return known;
  const index = new Map<string, OutboundService>();
  for (const service of outbound) {
    index.set(`${serviceKey(service.service)}:${service.port}`, service);
    for (const address of service.addresses) index.set(`${address} ${service.port}`, service);
  }
  for (const service of outbound) {
    // The name of a headless service resolves to its pods, which may each be a service of their own.
    const { namespace, name } = service.service;
    const key = `${namespace}/${name.slice(name.indexOf('.') + 1)}:${service.port}`;
    if (!index.has(key)) index.set(key, service);
  }
  indexes.set(outbound, index);
  return index;
}

/** The outbound service that a call dials; undefined when the caller has none such. */
export function findOutbound(reach: Reach, { to, port }: Call['destination']): OutboundService | undefined {
  const key = 'address' in to ? `${to.address} ${port}` : `${to.namespace}/${to.name}:${port}`;
  return indexOf(reach.outbound).get(key);
}

/** The port of the mesh that a call dials, by a service's or a pod's address, whether or not the caller may. */
export function meshPort(snapshot: Snapshot, { to, port }: Call['destination']): MeshService | undefined {
  if ('name' in to) {
    return snapshot.services.get(objectKey(to.namespace, to.name))?.find((candidate) => candidate.port === port);
  }
  const pod = podAt(snapshot, to.address);
  for (const name of (pod && snapshot.memberships.get(pod)) ?? []) {
    const found = snapshot.services.get(name)?.find((candidate) => candidate.targetPort === port);
    if (found !== undefined) return found;
  }
  for (const ports of snapshot.services.values()) {
    for (const candidate of ports) {
      if (candidate.port === port && candidate.addresses.includes(to.address)) return candidate;
    }
  }
  return undefined;
}

/** A destination in words. */
export const spell = ({ to, port }: Call['destination']): string =>
  'address' in to ? `${to.address}:${port}` : `${to.namespace}/${to.name}:${port}`;

/**
 * Says why a caller has no outbound service for a port of the mesh. Undefined when the mesh has no such port that could
 * be dialled.
 */
export function unreachable(
  snapshot: Snapshot,
  source: Identity,
  call: Call,
  request: Request,
  cache: PlanCache,
): Decision | undefined {
  const { destination } = call;
  const service = meshPort(snapshot, destination);
  const target = service?.servers[0];
  if (service === undefined || target === undefined) return undefined;
  const rules = rulesOf(snapshot, target, cache);
  const targets = turnTo(cache, snapshot).access.output.targets.get(identityKey(source)) ?? [];
  const known = new Set(targets.map(identityKey));
  // Who may call it, and has no route all the same, finds nothing to dial there.
  if (rules === undefined || service.servers.some((server) => known.has(identityKey(server)))) return undefined;
  const { targetPort, protocol } = service;
  const text = `no TrafficTarget lets ${identityKey(source)} call a service account behind ${spell(destination)}`;
  return {
    verdict: 'denied',
    distribution: [],
    proof: [{ stage: 'route', text }],
    nearestMiss: nearestMiss(rules, { source, target, targetPort, protocol, request }),
  };
}
