import type { MeshObject } from '@osm/core';
import { meshConfig, namespace, pod, policy, service, trafficTarget } from '../../packages/core/src/testing/objects.ts';
import type { Draw } from './draw.ts';

/**
 * Random meshes. Their addresses are written `net.<kind>.<n>`, where `net` is {@link NET}: each bench gives every world a
 * network of its own.
 */

/** First two octets of every address of a world as it is drawn. */
export const NET = '127.99';

/** Ports on which applications listen; the last one's speaks first. */
export const TARGETS = [18_081, 18_082, 18_083, 18_306] as const;
export const SERVER_FIRST = 18_306;

/** Ports that Services have; those of applications are among them, as a Service may have no other. */
export const SERVICE_PORTS = [80, 8080, 3306, ...TARGETS] as const;

/** Where the world outside answers; applications there speak as those of the mesh do. */
export const OUTSIDE_PORTS = [18_080, 18_081, 18_306] as const;
export const OUTSIDE = [`${NET}.3.1`, `${NET}.3.2`, `${NET}.3.129`] as const;

/** Callers without a sidecar. */
export const STRANGERS = [`${NET}.5.1`, `${NET}.5.2`, `${NET}.5.129`] as const;

export const HOSTS = ['api.example', 'www.api.example', 'other.example', 's0.a', 's1.b:8080'] as const;

const SPACES = ['a', 'b'] as const;
const ACCOUNTS = ['x', 'y', 'z'] as const;

/** Every service account that a world may have. */
export const IDENTITIES = SPACES.flatMap((space) => ACCOUNTS.map((account) => `${space}/${account}`));

const PATHS = [
  '.*',
  '/',
  '/a',
  '/a/.*',
  '/a/b',
  '/[a-z]+',
  '/items/\\d+',
  '.*/b',
  '(?i)/a',
  '/a%20b',
  '/a|/c',
  '/A.*',
  '.*\\.txt',
  '/\\.well-known/.*',
  '/a/?',
  '',
] as const;
const METHODS = ['*', 'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'] as const;
const VALUES = ['red', 'red.*', '.*', 'blue|red', '', '[^,]+', 'red,blue'] as const;
const HOST_VALUES = ['s0.*', '.*\\.example', 's0\\.a(:80)?', '.*:8080'] as const;

const labelsOf = (draw: Draw): Record<string, string> => ({
  app: draw.one(['p', 'q', 'r']),
  ...(draw.chance(40) && { tier: draw.one(['1', '2']) }),
});

function podsOf(draw: Draw): MeshObject[] {
  return draw.times(2, 5, (index) => {
    const space = draw.one(SPACES);
    const named = draw.chance(50) ? [{ name: 'web', containerPort: draw.one(TARGETS.slice(0, 3)) }] : [];
    return pod(`${space}/pod-${index}`, draw.one(ACCOUNTS), `${NET}.2.${index + 1}`, labelsOf(draw), {
      containers: [{ name: 'app', ports: named }],
    });
  });
}

function portOf(draw: Draw, index: number): object {
  const target = draw.one(TARGETS);
  const number = draw.chance(20) ? target : draw.one(SERVICE_PORTS.slice(0, 3));
  const first = target === SERVER_FIRST;
  const protocol = first ? draw.one(['tcp', 'tcp-server-first']) : draw.one(['http', 'http', 'http', 'tcp', 'grpc']);
  const said = draw.chance(30);
  return {
    name: said ? `p${index}` : `${protocol}-p${index}`,
    ...(said && { appProtocol: protocol }),
    port: number,
    ...(number !== target && { targetPort: !first && draw.chance(15) ? 'web' : target }),
  };
}

interface PortFields {
  readonly name: string;
  readonly port: number;
  readonly targetPort?: number | string;
}

function servicesOf(draw: Draw): MeshObject[] {
  return draw.times(2, 5, (index) => {
    const ports = new Map<number, object>();
    for (const port of draw.times(1, 3, (at) => portOf(draw, at))) ports.set((port as PortFields).port, port);
    const at = `${draw.one(SPACES)}/s${index}`;
    const address = draw.chance(15) ? 'None' : `${NET}.1.${index + 1}`;
    return service(
      at,
      address,
      [...ports.values()],
      draw.chance(85) ? draw.one([{ app: 'p' }, { app: 'q' }, { app: 'r' }, { app: 'p', tier: '1' }]) : undefined,
    );
  });
}

interface PodFields {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly { readonly ports: readonly { containerPort: number }[] }[] };
  readonly status: { readonly podIP: string };
}
interface ServiceFields {
  readonly spec: { readonly ports: readonly PortFields[]; readonly selector?: Readonly<Record<string, string>> };
}

/** EndpointSlices as the cluster's controller makes them: one for each way in which the ports' names resolve. */
export function slicesOf(objects: readonly MeshObject[], draw: Draw): MeshObject[] {
  const pods = objects.filter(({ kind }) => kind === 'Pod');
  const states = new Map(
    pods.map(({ metadata }) => [
      metadata.name,
      draw.one([
        { ready: true },
        { ready: true },
        { ready: true },
        { ready: true },
        { ready: false },
        { ready: false, serving: true, terminating: true },
      ]),
    ]),
  );
  return objects
    .filter(({ kind }) => kind === 'Service')
    .flatMap((object) => {
      const { spec } = object as unknown as ServiceFields;
      const { namespace: space, name } = object.metadata;
      const { selector } = spec;
      const hostnames = draw.chance(30);
      return pods.flatMap((each, index): MeshObject[] => {
        const { metadata, spec: own, status } = each as unknown as PodFields;
        const chosen = selector && Object.entries(selector).every(([label, value]) => metadata.labels[label] === value);
        if (!chosen || each.metadata.namespace !== space) return [];
        const web = own.containers[0]?.ports[0]?.containerPort;
        const ports = spec.ports.flatMap(({ name: portName, port, targetPort = port }) => {
          const number = targetPort === 'web' ? web : Number(targetPort);
          return number === undefined ? [] : [{ name: portName, port: number, protocol: 'TCP' }];
        });
        return [
          {
            apiVersion: 'discovery.k8s.io/v1',
            kind: 'EndpointSlice',
            metadata: {
              namespace: space ?? '',
              name: `${name}-${index}`,
              labels: { 'kubernetes.io/service-name': name },
            },
            addressType: 'IPv4',
            ports,
            endpoints: [
              {
                addresses: [status.podIP],
                conditions: states.get(each.metadata.name),
                ...(hostnames && { hostname: each.metadata.name }),
                targetRef: { kind: 'Pod', namespace: space, name: each.metadata.name },
              },
            ],
          },
        ];
      });
    });
}

function matchOf(draw: Draw, name: string): object {
  const headers = {
    ...(draw.chance(25) && { 'X-Color': draw.one(VALUES) }),
    ...(draw.chance(10) && { host: draw.one(HOST_VALUES) }),
    ...(draw.chance(5) && { 'x-envoy-original-path': '.*' }),
  };
  return {
    name,
    ...(draw.chance(60) && { pathRegex: draw.one(PATHS) }),
    ...(draw.chance(45) && { methods: draw.times(1, 2, () => draw.one(METHODS)) }),
    ...(Object.keys(headers).length > 0 && { headers: draw.chance(20) ? [headers] : headers }),
  };
}

const GROUPS = ['g0', 'g1'] as const;
const MATCHES = ['m0', 'm1', 'm2'] as const;

function routesOf(draw: Draw): MeshObject[] {
  return SPACES.flatMap((space) => [
    ...GROUPS.flatMap((group) =>
      draw.chance(85)
        ? [
            policy('HTTPRouteGroup', `${space}/${group}`, {
              matches: draw.some(MATCHES, 85).map((name) => matchOf(draw, name)),
            }),
          ]
        : [],
    ),
    ...['t0', 't1'].flatMap((route) =>
      draw.chance(80)
        ? [
            policy(
              'TCPRoute',
              `${space}/${route}`,
              draw.chance(30) ? {} : { matches: { ports: draw.times(1, 2, () => draw.one(TARGETS)) } },
            ),
          ]
        : [],
    ),
  ]);
}

function targetsOf(draw: Draw, pods: readonly MeshObject[]): MeshObject[] {
  const own = pods.map(
    ({ metadata, spec }) => `${metadata.namespace}/${(spec as { serviceAccountName: string }).serviceAccountName}`,
  );
  return draw.times(1, 8, (index) => {
    const rules = draw.times(1, 3, () =>
      draw.chance(65)
        ? {
            kind: 'HTTPRouteGroup',
            name: draw.one(GROUPS),
            ...(draw.chance(95) && { matches: draw.some(MATCHES, 60) }),
          }
        : { kind: 'TCPRoute', name: draw.one(['t0', 't1']) },
    );
    const to = draw.chance(85) ? draw.one(own) : draw.one(IDENTITIES);
    const target = trafficTarget(`t${index}`, to, draw.some(IDENTITIES, 50), rules);
    if (!draw.chance(4)) return target;
    return { ...target, metadata: { ...target.metadata, namespace: draw.one(SPACES) } };
  });
}

function splitsOf(draw: Draw, services: readonly MeshObject[]): MeshObject[] {
  return draw.times(0, 3, (index) => {
    const { namespace: space = '', name: apex } = draw.one(services).metadata;
    const siblings = services
      .filter(({ metadata }) => metadata.namespace === space)
      .map(({ metadata }) => metadata.name);
    const backends = draw.some(draw.chance(90) ? siblings : [...siblings, 'nobody'], 65).map((name) => {
      const written = draw.chance(85) ? name : `${name}.${space}.svc.cluster.local`;
      return { service: written, weight: draw.one([0, 1, 1, 50]) };
    });
    const matches = draw.chance(35) ? [{ kind: 'HTTPRouteGroup', name: draw.one(GROUPS) }] : undefined;
    return policy('TrafficSplit', `${space}/split-${index}`, { service: apex, backends, ...(matches && { matches }) });
  });
}

function egressesOf(draw: Draw): MeshObject[] {
  return draw.times(0, 3, (index) => {
    const hosts = draw.some(['api.example', 'www.api.example', '*.api.example', 'other.example'], 35);
    const ranges = draw.some([`${NET}.3.0/24`, `${NET}.3.1/32`, `${NET}.3.128/25`, '0.0.0.0/0'], 25);
    const groups = draw.chance(30)
      ? [{ apiGroup: 'specs.smi-spec.io/v1alpha4', kind: 'HTTPRouteGroup', name: draw.one(GROUPS) }]
      : [];
    return policy('Egress', `${draw.one(SPACES)}/e${index}`, {
      sources: draw.some(IDENTITIES, 50).map((identity) => {
        const [space = '', name = ''] = identity.split('/');
        return { kind: 'ServiceAccount', namespace: space, name };
      }),
      ...(hosts.length > 0 && { hosts }),
      ...(ranges.length > 0 && { ipAddresses: ranges }),
      ports: draw.times(1, 2, () => {
        const number = draw.one(OUTSIDE_PORTS);
        const protocol =
          number === SERVER_FIRST ? draw.one(['tcp', 'tcp-server-first']) : draw.one(['http', 'HTTP', 'https', 'tcp']);
        return { number, protocol };
      }),
      ...(groups.length > 0 && { matches: groups }),
    });
  });
}

function ingressesOf(draw: Draw, services: readonly MeshObject[]): MeshObject[] {
  return draw.times(0, 2, (index) => {
    const { namespace: space = '', name } = draw.one(services).metadata;
    const ranges = draw.some([`${NET}.5.1/32`, `${NET}.5.0/25`, `${NET}.5.128/25`], 50);
    return policy('IngressBackend', `${space}/i${index}`, {
      backends: [{ name, port: { number: draw.one(TARGETS.slice(0, 3)), protocol: 'http' } }],
      sources: ranges.map((range) => ({ kind: 'IPRange', name: range })),
    });
  });
}

/** A mesh of its own in a network of its own. */
export function drawWorld(draw: Draw): readonly MeshObject[] {
  const pods = podsOf(draw);
  const services = servicesOf(draw);
  const config = meshConfig({
    traffic: { enablePermissiveTrafficPolicyMode: draw.chance(15), enableEgress: draw.chance(30) },
    featureFlags: { enableEgressPolicy: draw.chance(85) },
  });
  return [
    config,
    ...SPACES.map((space) => namespace(space)),
    ...pods,
    ...services,
    ...slicesOf([...pods, ...services], draw),
    ...routesOf(draw),
    ...targetsOf(draw, pods),
    ...splitsOf(draw, services),
    ...egressesOf(draw),
    ...ingressesOf(draw, services),
  ];
}

/** The same world in another network. */
export const moveTo = <T>(world: T, net: string): T =>
  JSON.parse(JSON.stringify(world).replaceAll(`${NET}.`, `${net}.`)) as T;
