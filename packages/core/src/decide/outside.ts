import { plaintextFor, takesPlaintext } from '../model/mtls.ts';
import { serviceKey } from '../model/names.ts';
import { annotationField } from '../model/namespace-traffic.ts';
import { isHttp } from '../model/protocol.ts';
import type { MeshService, Snapshot } from '../model/snapshot.ts';
import { type PlanCache, turnTo } from '../plan/cache.ts';
import type { IngressRule } from '../policies/ingress/ingress.ts';
import { addressRange } from '../xds/address.ts';
import { restrictsPath } from '../xds/http-match.ts';
import { podAt } from './answering.ts';
import type { Call, Decision, Outsider, Step } from './call.ts';
import { mismatches } from './match.ts';
import { normalizePath } from './path.ts';
import { requestOf, requestSeen, requestSeenStrictly } from './request.ts';
import { meshPort, spell } from './route.ts';

/** Whether an address is in a range (`10.0.0.0/8`); an unknown address is in none. */
export function isInRange(address: string | undefined, range: string): boolean {
  const wanted = addressRange(range);
  if (address === undefined || wanted === undefined) return false;
  const own = addressRange(`${address}/${wanted.prefixLen}`);
  return own?.addressPrefix === wanted.addressPrefix;
}

const isOrNone = (text: string | undefined): string => text ?? 'none';

/** What of an ingress rule does not hold for a caller. */
function* failures({ sourceRanges, tls }: IngressRule, { address, tls: own }: Outsider): Generator<string> {
  if (sourceRanges.length > 0 && !sourceRanges.some((range) => isInRange(address, range))) {
    yield `the caller's address (${isOrNone(address)}) is not in ${sourceRanges.join(', ')}`;
  }
  if (tls === undefined) {
    if (own !== undefined) yield 'the backend speaks plain HTTP, and the caller TLS';
    return;
  }
  if (own === undefined) {
    yield 'the backend speaks TLS, and the caller plain HTTP';
    return;
  }
  const { sniHosts, principals } = tls;
  const name = own.serverName?.toLowerCase();
  if (sniHosts.length > 0 && !sniHosts.some((host) => host.toLowerCase() === name)) {
    yield `server name ${isOrNone(name)} is not ${sniHosts.join(' or ')}`;
  }
  if (principals !== undefined && !principals.includes(own.principal ?? '')) {
    yield `principal ${isOrNone(own.principal)} is not ${principals.join(' or ')}`;
  }
}

/** What of a rule does not hold for a request that its caller may make; a path that could be read in several ways is none. */
function requestFailures({ matches }: IngressRule, call: Call, port: MeshService): readonly string[] {
  if (matches === undefined || call.protocol !== 'http') return [];
  const sent = requestOf(call, port.service, port.port);
  const seen = matches.some(restrictsPath) ? requestSeenStrictly(sent) : requestSeen(sent);
  if (seen === undefined) return [`path ${sent.path} is answered with 400`];
  const tried = matches.map((match) => [...mismatches(match, seen)]).sort((a, b) => a.length - b.length);
  return tried[0] ?? ['no route group that the policy names matches anything'];
}

function withoutRule({ parent, targetPort }: MeshService, proof: readonly Step[]): Decision {
  const change = `create an IngressBackend in namespace ${parent.namespace} with backend ${parent.name}, port ${targetPort}`;
  const failed = ['the caller has no certificate of the mesh, and no IngressBackend opens the port'];
  return { verdict: 'denied', distribution: [], proof, nearestMiss: { origins: [], failed, change } };
}

/** Pods that may answer a call: that which was dialled, or all behind the service. */
function podsBehind(snapshot: Snapshot, { parent }: MeshService, { to }: Call['destination']): readonly string[] {
  const dialled = 'address' in to ? podAt(snapshot, to.address) : undefined;
  if (dialled !== undefined) return [dialled];
  const service = serviceKey(parent);
  return [...snapshot.memberships].filter(([, services]) => services.includes(service)).map(([pod]) => pod);
}

/** Why a caller without a certificate is let in while clients get sidecars; undefined where it is not, or not by all pods. */
function plaintextStep(snapshot: Snapshot, port: MeshService, { to, port: dialled }: Call['destination']) {
  const pods = podsBehind(snapshot, port, { to, port: dialled });
  let step: Step | undefined;
  for (const key of pods) {
    const workload = snapshot.workloads.get(key);
    const plaintext = workload && plaintextFor(workload, snapshot.traffic);
    const own = port.targetPortName === undefined ? undefined : workload?.ports[port.targetPortName];
    const target = own ?? port.targetPort;
    if (workload === undefined || plaintext === undefined || !takesPlaintext(plaintext.ports, target)) return undefined;
    const { from, annotation } = plaintext;
    const { namespace, name } = workload;
    const object =
      from === 'Pod' ? { kind: 'Pod', namespace, name } : { kind: 'Namespace', namespace: '', name: namespace };
    const text = `plaintext is let in on port ${target} while clients get sidecars: nobody knows who calls, and no rule is asked`;
    step ??= {
      stage: 'authentication',
      text,
      origin: { ...object, generation: 0, field: annotationField(annotation) },
    };
  }
  return step;
}

/** An IngressBackend's rule, and the port of the service that it opens. */
interface Opening {
  readonly port: MeshService;
  readonly rule: IngressRule;
}

/** The rules for what is dialled: of a service, or of every service that a pod stands behind. */
function openings(
  snapshot: Snapshot,
  cache: PlanCache,
  dialled: MeshService,
  { to, port }: Call['destination'],
): Opening[] {
  const { rules } = turnTo(cache, snapshot).ingress.output;
  const pod = 'address' in to ? podAt(snapshot, to.address) : undefined;
  const ports =
    pod === undefined
      ? [dialled]
      : (snapshot.memberships.get(pod) ?? []).flatMap((name) => snapshot.services.get(name) ?? []);
  const target = pod === undefined ? dialled.targetPort : port;
  return ports
    .filter(({ targetPort }) => targetPort === target)
    .flatMap((each) =>
      (rules.get(serviceKey(pod === undefined ? each.parent : each.service)) ?? [])
        .filter(({ targetPort }) => targetPort === target)
        .map((rule) => ({ port: each, rule })),
    );
}

/** What an application makes of bytes that are no request, or of one whose path no proxy takes. */
function unreadable(call: Call, port: MeshService): Step | undefined {
  const { path } = requestOf(call, port.service, port.port);
  const readable = call.protocol === 'http' && normalizePath(path) !== undefined;
  if (readable) return undefined;
  const what = call.protocol === 'http' ? `path ${path} is` : 'bytes that are no HTTP are';
  return { stage: 'route', text: `${what} answered with 400` };
}

/**
 * Decides on a call from outside the mesh. Workloads ask for a certificate of the mesh, in permissive mode too, so that
 * only an IngressBackend lets such a caller in, or a port on which plaintext is let in for a time.
 */
export function decideOutside(snapshot: Snapshot, caller: Outsider, call: Call, cache: PlanCache): Decision {
  const { destination } = call;
  const dialled = meshPort(snapshot, destination);
  if (dialled === undefined) {
    const proof: Step[] = [{ stage: 'route', text: `the mesh has no service port ${spell(destination)}` }];
    return { verdict: 'not-routed', distribution: [], proof };
  }
  const proof: Step[] = [{ stage: 'route', text: `${spell(destination)} is dialled without a sidecar` }];
  const allowed = ({ upstream }: MeshService): Decision => {
    return { verdict: 'allowed', distribution: [{ upstream, weight: 1, verdict: 'allowed' }], proof };
  };
  const [best] = openings(snapshot, cache, dialled, destination)
    .map((opening) => ({
      ...opening,
      failed: [...failures(opening.rule, caller), ...requestFailures(opening.rule, call, opening.port)],
    }))
    .sort((a, b) => a.failed.length - b.failed.length);
  const speaksAsAsked = caller.tls === undefined || !isHttp(dialled.protocol);
  const open = best?.failed.length !== 0 && speaksAsAsked ? plaintextStep(snapshot, dialled, destination) : undefined;
  if (open !== undefined) {
    proof.push(open);
    return allowed(dialled);
  }
  if (best === undefined) {
    const text = 'the caller has no certificate of the mesh, which the workload asks for';
    return withoutRule(dialled, [...proof, { stage: 'authentication', text }]);
  }
  const { rule, failed, port } = best;
  const [origin] = rule.origins;
  const text = failed.length === 0 ? `an IngressBackend opens target port ${rule.targetPort}` : failed.join('; ');
  proof.push({ stage: 'authentication', text, ...(origin && { origin }) });
  if (failed.length > 0) {
    const change = `make IngressBackend ${origin?.namespace}/${origin?.name} fit, as ${failed.join(', ')}`;
    return { verdict: 'denied', distribution: [], proof, nearestMiss: { origins: rule.origins, failed, change } };
  }
  const refusal = unreadable(call, port);
  if (refusal === undefined) return allowed(port);
  proof.push(refusal);
  return { verdict: 'not-routed', distribution: [], proof };
}
