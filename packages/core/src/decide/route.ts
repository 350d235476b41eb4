import { identityKey, objectKey, serviceKey } from '../model/names.ts';
import type { MeshService, Snapshot } from '../model/snapshot.ts';
import { type PlanCache, rulesOf } from '../plan/cache.ts';
import type { Reach } from '../plan/reach.ts';
import type { Identity, OutboundService } from '../plan/types.ts';
import { NO_RULES } from '../policies/access/access.ts';
import type { Call, Decision, Step } from './call.ts';
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
  indexes.set(outbound, index);
  return index;
}

/** The outbound service that a call dials; undefined when the caller has none such. */
export function findOutbound(reach: Reach, { to, port }: Call['destination']): OutboundService | undefined {
  const key = 'address' in to ? `${to.address} ${port}` : `${to.namespace}/${to.name}:${port}`;
  return indexOf(reach.outbound).get(key);
}

function meshPort(snapshot: Snapshot, { to, port }: Call['destination']): MeshService | undefined {
  if ('name' in to) {
    return snapshot.services.get(objectKey(to.namespace, to.name))?.find((candidate) => candidate.port === port);
  }
  for (const ports of snapshot.services.values()) {
    for (const candidate of ports) {
      if (candidate.port === port && candidate.addresses.includes(to.address)) return candidate;
    }
  }
  return undefined;
}

const spell = ({ to, port }: Call['destination']): string =>
  'address' in to ? `${to.address}:${port}` : `${to.namespace}/${to.name}:${port}`;

/** Says why a caller has no outbound service for a call. */
export function unreachable(snapshot: Snapshot, source: Identity, call: Call, cache: PlanCache): Decision {
  const { destination } = call;
  const service = meshPort(snapshot, destination);
  const who = identityKey(source);
  if (service !== undefined && service.addresses.length > 0 && service.servers.length > 0) {
    const [target] = service.servers as readonly [Identity, ...Identity[]];
    const rules = rulesOf(snapshot, target, cache) ?? NO_RULES;
    const { targetPort, protocol } = service;
    const request = { method: call.method ?? 'GET', path: call.path ?? '/', host: '', headers: call.headers ?? {} };
    return {
      verdict: 'denied',
      distribution: [],
      proof: [
        { stage: 'route', text: `no TrafficTarget lets ${who} call a service account behind ${spell(destination)}` },
      ],
      nearestMiss: nearestMiss(rules, { source, target, targetPort, protocol, request }),
    };
  }
  const { config, configObject } = snapshot;
  const origin = configObject && { ...configObject, field: 'spec.traffic.enableEgress' };
  const step = (text: string): Step => ({ stage: 'route', text, ...(origin && { origin }) });
  if ('address' in destination.to && config.traffic.enableEgress) {
    const proof = [step(`${spell(destination)} is not of the mesh, and passes through unchanged`)];
    return {
      verdict: 'allowed',
      distribution: [{ upstream: 'passthrough-outbound', weight: 1, verdict: 'allowed' }],
      proof,
    };
  }
  const proof: readonly Step[] = [
    'address' in destination.to
      ? step(`${spell(destination)} is not of the mesh, and nothing lets ${who} call out`)
      : { stage: 'route', text: `the mesh has no service port ${spell(destination)} that can be dialled` },
  ];
  return { verdict: 'not-routed', distribution: [], proof };
}
