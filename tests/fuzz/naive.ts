import type { MeshObject } from '@osm/core';
import { type FuzzCall, SENT_PATHS, speaksHttp } from './calls.ts';

/**
 * The specifications read as plainly as they are written, over the raw objects, with loops and without memory. It shares
 * nothing with the core on purpose, and is slow.
 */

/** What may become of a call: `refused`, `outside`, or `<namespace>/<service> <pod address>`. */
export type Outcomes = ReadonlySet<string>;

// Objects are raw, and drawn well-formed.
// biome-ignore lint/suspicious/noExplicitAny: raw JSON
type Raw = any;

const ofKind = (world: readonly MeshObject[], kind: string): Raw[] =>
  world.filter(
    (object) => object.kind === kind && (kind === 'MeshConfig' || isMember(world, object.metadata.namespace)),
  );

const isMember = (world: readonly MeshObject[], namespace: string | undefined): boolean =>
  world.some(
    ({ kind, metadata }) =>
      kind === 'Namespace' &&
      metadata.name === namespace &&
      metadata.labels?.['openservicemesh.io/monitored-by'] === 'osm',
  );

const fits = (pattern: string, text: string): boolean => {
  const folded = pattern.startsWith('(?i)');
  return new RegExp(`^(?:${folded ? pattern.slice(4) : pattern})$`, folded ? 'i' : '').test(text);
};

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly color: string | undefined;
}

/** SMI HTTPRouteGroup: path, method and every header must hold; what is not said is any. */
function matchHolds(match: Raw, { method, path, host, color }: Asked): boolean {
  if (match.pathRegex && !fits(match.pathRegex, path)) return false;
  const methods: string[] = match.methods ?? [];
  if (methods.length > 0 && !methods.includes('*') && !methods.includes(method)) return false;
  for (const map of Array.isArray(match.headers) ? match.headers : [match.headers ?? {}]) {
    for (const [name, pattern] of Object.entries<string>(map)) {
      // Headers by which clients would steer the proxy do not reach it.
      const value = name === 'host' ? host : name === 'X-Color' ? color : undefined;
      if (value === undefined || !fits(pattern, value)) return false;
    }
  }
  return true;
}

/** Matches that a rule of a TrafficTarget names. */
function matchesOf(world: readonly MeshObject[], target: Raw): Raw[] {
  const found: Raw[] = [];
  for (const rule of target.spec.rules) {
    for (const group of ofKind(world, 'HTTPRouteGroup')) {
      if (rule.kind !== 'HTTPRouteGroup' || rule.name !== group.metadata.name) continue;
      if (group.metadata.namespace !== target.metadata.namespace) continue;
      for (const match of group.spec.matches ?? []) if (rule.matches?.includes(match.name)) found.push(match);
    }
  }
  return found;
}

/** TrafficTargets that are in force. */
const trafficTargets = (world: readonly MeshObject[]): Raw[] =>
  ofKind(world, 'TrafficTarget').filter(
    ({ metadata, spec }) => spec.destination.namespace === metadata.namespace && (spec.rules ?? []).length > 0,
  );

const identityOf = (pod: Raw): string => `${pod.metadata.namespace}/${pod.spec.serviceAccountName}`;
const destinationOf = (target: Raw): string => `${target.spec.destination.namespace}/${target.spec.destination.name}`;
const names = (target: Raw, source: string): boolean =>
  (target.spec.sources ?? []).some((each: Raw) => `${each.namespace}/${each.name}` === source);

/** The request as the proxy of a server reads it; undefined when it refuses to. */
function asked(call: FuzzCall, strict: boolean): Asked | undefined {
  const [, normal, merged] = SENT_PATHS[call.path]!;
  const path = strict ? merged : normal;
  return path === undefined ? undefined : { method: call.method, path, host: call.host, color: call.color };
}

const tellsPathsApart = (match: Raw): boolean => Boolean(match.pathRegex) && match.pathRegex !== '.*';

/** Whether the pod lets the call into a port of its own. */
function letsIn(world: readonly MeshObject[], pod: Raw, http: boolean, targetPort: number, call: FuzzCall): boolean {
  const targets = trafficTargets(world).filter((target) => destinationOf(target) === identityOf(pod));
  const own = targets.filter((target) => names(target, call.from));
  if (!http) {
    for (const target of own) {
      for (const rule of target.spec.rules) {
        for (const route of ofKind(world, 'TCPRoute')) {
          if (rule.kind !== 'TCPRoute' || rule.name !== route.metadata.name) continue;
          if (route.metadata.namespace !== target.metadata.namespace) continue;
          const ports: number[] = route.spec?.matches?.ports ?? [];
          if (ports.length === 0 || ports.includes(targetPort)) return true;
        }
      }
    }
    return false;
  }
  const strict = targets.some(
    (target) => (target.spec.sources ?? []).length > 0 && matchesOf(world, target).some(tellsPathsApart),
  );
  const request = asked(call, strict);
  return (
    request !== undefined && own.some((target) => matchesOf(world, target).some((match) => matchHolds(match, request)))
  );
}

/** One port of a service, or of a pod with a name of its own behind a headless one. */
interface Port {
  readonly namespace: string;
  readonly service: string;
  readonly pod?: string;
  readonly port: number;
  readonly name: string;
  readonly http: boolean;
  readonly addresses: readonly string[];
  readonly raw: Raw;
}

const isReadyOrServing = ({ conditions: { ready, serving } }: Raw): boolean => ready || serving;
const slicesFor = (world: readonly MeshObject[], { metadata }: Raw): Raw[] =>
  ofKind(world, 'EndpointSlice').filter(
    (slice) =>
      slice.metadata.namespace === metadata.namespace &&
      slice.metadata.labels['kubernetes.io/service-name'] === metadata.name,
  );

/** Pods that a service's selector chooses, or that are among its endpoints. */
const podsBehind = (world: readonly MeshObject[], { raw, namespace, pod }: Port): Raw[] =>
  ofKind(world, 'Pod').filter((each) => {
    if (each.metadata.namespace !== namespace) return false;
    if (pod !== undefined) return each.metadata.name === pod;
    const selector = Object.entries(raw.spec.selector ?? {});
    const chosen = selector.length > 0 && selector.every(([label, value]) => each.metadata.labels[label] === value);
    return chosen || slicesFor(world, raw).some((slice) => slice.endpoints[0].targetRef.name === each.metadata.name);
  });

function isHttpPort({ name, appProtocol }: Raw): boolean {
  const protocol = appProtocol ?? name;
  return !protocol.startsWith('tcp');
}

function ports(world: readonly MeshObject[]): Port[] {
  return ofKind(world, 'Service').flatMap((raw) => {
    const { namespace, name: service } = raw.metadata;
    const endpoints = slicesFor(world, raw).flatMap((slice) => slice.endpoints);
    const usable = endpoints.filter(isReadyOrServing);
    const headless = raw.spec.clusterIP === 'None';
    return raw.spec.ports.flatMap((port: Raw): Port[] => {
      const common = { namespace, service, port: port.port, name: port.name, http: isHttpPort(port), raw };
      const addresses = headless ? usable.map(({ addresses: [address] }: Raw) => address) : [raw.spec.clusterIP];
      const named = headless ? endpoints.filter(({ hostname }: Raw) => hostname !== undefined) : [];
      const pods = named.map(({ hostname, addresses: [address], ...rest }: Raw): Port => {
        return { ...common, pod: hostname, addresses: isReadyOrServing(rest) ? [address] : [] };
      });
      return [{ ...common, addresses }, ...pods];
    });
  });
}

const fullName = ({ service, pod }: Port): string => (pod === undefined ? service : `${pod}.${service}`);

/** The port at an address; of headless services over the same pods one has it. */
function portAt(world: readonly MeshObject[], address: string, port: number): Port | undefined {
  const target = (each: Port): string => `${each.namespace}/${fullName(each)}|${targetOf(world, each)}`;
  return ports(world)
    .filter((each) => each.port === port && each.addresses.includes(address))
    .sort((a, b) => {
      const own = Number(a.pod === undefined) - Number(b.pod === undefined);
      return own || a.addresses.length - b.addresses.length || (target(a) < target(b) ? -1 : 1);
    })[0];
}

/** The number that stands for a port's target: the smallest that a pod gives the name, if a name it is. */
function targetOf(world: readonly MeshObject[], { raw, pod, name }: Port): number {
  const port = raw.spec.ports.find((each: Raw) => each.name === name);
  if (typeof port.targetPort !== 'string') return port.targetPort ?? port.port;
  const own = slicesFor(world, raw).filter((slice) => pod === undefined || slice.endpoints[0].targetRef.name === pod);
  const numbers: number[] = own.flatMap((slice) =>
    slice.ports.filter((each: Raw) => each.name === name).map((each: Raw) => each.port),
  );
  return numbers.length > 0 ? Math.min(...numbers) : port.port;
}

const isPermissive = (world: readonly MeshObject[]): boolean =>
  ofKind(world, 'MeshConfig').some(({ spec }) => spec.traffic.enablePermissiveTrafficPolicyMode);

const callable = (world: readonly MeshObject[], source: string): string[] =>
  trafficTargets(world)
    .filter((target) => names(target, source))
    .map(destinationOf);

/** The service of the same namespace that a name in a TrafficSplit means. */
const splitName = (name: string): string => name.split('.')[0]!;

/** Whether a source has a service in its plan: it is of a destination, or shares its traffic with one that is. */
function isReachable(world: readonly MeshObject[], port: Port, source: string, above: readonly string[] = []): boolean {
  if (isPermissive(world)) return true;
  const targets = callable(world, source);
  if (podsBehind(world, port).some((pod) => targets.includes(identityOf(pod)))) return true;
  if (port.pod !== undefined || above.includes(port.service)) return false;
  return ofKind(world, 'TrafficSplit').some(
    ({ metadata, spec }) =>
      metadata.namespace === port.namespace &&
      splitName(spec.service) === port.service &&
      (spec.backends ?? []).some((backend: Raw) =>
        ports(world).some(
          (each) =>
            each.namespace === port.namespace &&
            each.service === splitName(backend.service) &&
            each.pod === undefined &&
            isReachable(world, each, source, [...above, port.service]),
        ),
      ),
  );
}

/** Services among which a TrafficSplit shares the requests to one; undefined when none does. */
function splitOf(world: readonly MeshObject[], port: Port, call: FuzzCall | undefined): Raw | undefined {
  if (port.pod !== undefined) return undefined;
  const own = ofKind(world, 'TrafficSplit')
    .filter(({ metadata, spec }) => metadata.namespace === port.namespace && splitName(spec.service) === port.service)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const split of own) {
    if (split.spec.matches === undefined || call === undefined || !port.http) continue;
    const request = asked(call, false)!;
    for (const { name } of split.spec.matches) {
      for (const group of ofKind(world, 'HTTPRouteGroup')) {
        if (group.metadata.name !== name || group.metadata.namespace !== port.namespace) continue;
        if ((group.spec.matches ?? []).some((match: Raw) => matchHolds(match, request))) return split;
      }
    }
  }
  return own.find(({ spec }) => spec.matches === undefined);
}

/** Where a split leads: services with the apex's port number, with weights above 0; those met again are themselves. */
function leaves(
  world: readonly MeshObject[],
  port: Port,
  call: FuzzCall | undefined,
  above: readonly string[],
): Port[] {
  const split = above.includes(port.service) ? undefined : splitOf(world, port, call);
  if (split === undefined) return [port];
  const parts: { next: Port; weight: number }[] = (split.spec.backends ?? []).flatMap(({ service, weight }: Raw) => {
    const next = ports(world).find(
      (each) =>
        each.namespace === port.namespace &&
        each.service === splitName(service) &&
        each.pod === undefined &&
        each.port === port.port,
    );
    return next === undefined ? [] : [{ next, weight }];
  });
  const taken = parts.filter(({ weight }) => weight > 0);
  if (taken.length === 0 && above.length > 0) return [port];
  return taken.flatMap(({ next }) => leaves(world, next, undefined, [...above, port.service]));
}

/** Pods that may answer for a port, with where they listen: ready ones, else those that still serve. */
function places(
  world: readonly MeshObject[],
  port: Port,
  source: string | undefined,
): readonly (readonly [pod: Raw, port: number])[] {
  const targets = source === undefined ? [] : callable(world, source);
  const all: { pod: Raw; number: number; ready: boolean }[] = slicesFor(world, port.raw).flatMap((slice) => {
    const [endpoint] = slice.endpoints;
    const pod = ofKind(world, 'Pod').find(
      ({ metadata }) => metadata.name === endpoint.targetRef.name && metadata.namespace === port.namespace,
    );
    if (pod === undefined || !isReadyOrServing(endpoint)) return [];
    if (port.pod !== undefined && port.pod !== pod.metadata.name) return [];
    return slice.ports
      .filter((each: Raw) => each.name === port.name)
      .map((each: Raw) => ({ pod, number: each.port, ready: endpoint.conditions.ready }));
  });
  if (source === undefined) return all.map(({ pod, number }) => [pod, number] as const);
  const usable = all.filter(({ pod }) => isPermissive(world) || targets.includes(identityOf(pod)));
  const someReady = usable.some(({ ready }) => ready);
  return usable.filter(({ ready }) => ready === someReady).map(({ pod, number }) => [pod, number] as const);
}

function inRange(address: string, range: string): boolean {
  const [base = '', bits] = range.split('/');
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}

function hostHolds(host: string, named: string, port: number): boolean {
  if (named.startsWith('*.')) {
    const rest =
      port === 80 ? host.replace(/:80$/, '') : host.endsWith(`:${port}`) ? host.slice(0, -`:${port}`.length) : '';
    return rest.length > named.length - 1 && rest.endsWith(named.slice(1));
  }
  return host === named || host === `${named}:${port}`;
}

/** Calls to outside the mesh. */
function leavesMesh(world: readonly MeshObject[], call: FuzzCall): 'by name' | 'as dialled' | undefined {
  const [config] = ofKind(world, 'MeshConfig');
  const policies: { policy: Raw; protocol: string }[] = config.spec.featureFlags.enableEgressPolicy
    ? ofKind(world, 'Egress')
        .filter(({ spec }) => spec.sources.some((each: Raw) => `${each.namespace}/${each.name}` === call.from))
        .flatMap((policy) =>
          policy.spec.ports
            .filter((port: Raw) => port.number === call.port)
            .map((port: Raw) => ({ policy, protocol: port.protocol.toLowerCase() })),
        )
        .filter(({ policy, protocol }) => protocol !== 'http' || (policy.spec.hosts ?? []).length > 0)
    : [];
  const covers = ({ spec }: Raw): boolean => {
    const ranges: string[] = spec.ipAddresses ?? [];
    return ranges.length === 0 || ranges.some((range) => inRange(call.address, range));
  };
  const groupMatches = ({ metadata, spec }: Raw): Raw[] | undefined =>
    spec.matches?.flatMap(({ name }: Raw) =>
      ofKind(world, 'HTTPRouteGroup')
        .filter((group) => group.metadata.name === name && group.metadata.namespace === metadata.namespace)
        .flatMap((group) => group.spec.matches ?? []),
    );
  const http = policies.filter(({ protocol }) => protocol === 'http');
  if (speaksHttp(call) && http.length > 0) {
    const strict = http.some(({ policy }) => groupMatches(policy)?.some(tellsPathsApart));
    const request = asked(call, strict);
    const found = http.some(({ policy }) => {
      const matches = groupMatches(policy);
      return (
        request !== undefined &&
        covers(policy) &&
        policy.spec.hosts.some((named: string) => hostHolds(call.host, named, call.port)) &&
        (matches === undefined || matches.some((match: Raw) => matchHolds(match, request)))
      );
    });
    return found ? 'by name' : undefined;
  }
  for (const { policy, protocol } of policies) {
    if (protocol === 'http' || !covers(policy)) continue;
    const hosts: string[] = policy.spec.hosts ?? [];
    if (protocol !== 'https' || hosts.length === 0) return 'as dialled';
    const [serverName = ''] = call.host.split(':');
    if (call.speech === 'tls' && hosts.some((named) => hostHolds(serverName, named, 80))) return 'as dialled';
  }
  return config.spec.traffic.enableEgress ? 'as dialled' : undefined;
}

/** A caller without a sidecar is let in where an IngressBackend opens the port to its address. */
function ingress(world: readonly MeshObject[], call: FuzzCall): Outcomes {
  const pod = ofKind(world, 'Pod').find(({ status }) => status.podIP === call.address);
  if (pod === undefined || !speaksHttp(call)) return new Set(['refused']);
  const backends = ofKind(world, 'IngressBackend').sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const open = new Map<string, Raw>();
  for (const { metadata, spec } of backends) {
    const [{ name, port }] = spec.backends;
    const key = `${metadata.namespace}/${name} ${port.number}`;
    if (!open.has(key)) open.set(key, { metadata, spec });
  }
  const found = new Set<string>();
  for (const { metadata, spec } of open.values()) {
    const [{ name, port }] = spec.backends;
    if (port.number !== call.port) continue;
    const own = ports(world).filter(
      (each) => each.namespace === metadata.namespace && each.service === name && each.pod === undefined,
    );
    if (!own.some((each) => targetOf(world, each) === call.port)) continue;
    if (!own.some((each) => podsBehind(world, each).includes(pod))) continue;
    const ranges: string[] = spec.sources.map((source: Raw) => source.name);
    if (ranges.length > 0 && !ranges.some((range) => inRange(call.from, range))) continue;
    found.add(`${metadata.namespace}/${name} ${call.address}`);
  }
  return found.size > 0 ? found : new Set(['refused']);
}

/** Whether a pod takes the call. Of a service's ports with one target, that with the smallest number says how it is read. */
function arrives(world: readonly MeshObject[], pod: Raw, leaf: Port, number: number, call: FuzzCall): boolean {
  const sharing = ports(world).filter(
    (each) =>
      each.namespace === leaf.namespace &&
      fullName(each) === fullName(leaf) &&
      places(world, each, undefined).some(([at, port]) => at === pod && port === number),
  );
  const [first = leaf] = sharing.sort((a, b) => a.port - b.port);
  if (first.http && !speaksHttp(call)) return false;
  return isPermissive(world) || letsIn(world, pod, first.http, number, call);
}

/** Everything that may become of a call. */
export function readNaively(world: readonly MeshObject[], call: FuzzCall): Outcomes {
  if (!call.from.includes('/')) return ingress(world, call);
  const port = portAt(world, call.address, call.port);
  if (port !== undefined && isReachable(world, port, call.from)) {
    if (port.http && !speaksHttp(call)) return new Set(['refused']);
    const outcomes = leaves(world, port, call, []).flatMap((leaf) => {
      const answering = places(world, leaf, call.from);
      return answering.length === 0
        ? ['refused']
        : answering.map(([pod, number]) =>
            arrives(world, pod, leaf, number, call)
              ? `${leaf.namespace}/${fullName(leaf)} ${pod.status.podIP}`
              : 'refused',
          );
    });
    return new Set(outcomes.length === 0 ? ['refused'] : outcomes);
  }
  const ofService = ports(world).some(({ addresses }) => addresses.includes(call.address));
  const ofPod = ofKind(world, 'Pod').some(({ status }) => status.podIP === call.address);
  const way = leavesMesh(world, call);
  const [config] = ofKind(world, 'MeshConfig');
  // Requests go where their host's name leads, and everything else where it was going. Where calls pass through, those
  // to services of the mesh that policies do not allow are closed; what comes to a pod so is a stranger to it.
  if (way === 'by name' && !(ofService && config.spec.traffic.enableEgress)) return new Set(['outside']);
  if (way !== 'as dialled' || ofService) return new Set(['refused']);
  return ofPod ? ingress(world, { ...call, from: '127.0.0.1' }) : new Set(['outside']);
}
