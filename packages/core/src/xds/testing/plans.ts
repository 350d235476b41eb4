import type {
  Assignment,
  Endpoint,
  HttpMatch,
  HttpRule,
  Identity,
  InboundService,
  Origin,
  OutboundService,
  ProxyPlan,
  ProxySettings,
  RuleAccess,
  ServiceRef,
  TcpRule,
  Upstream,
} from '../../plan/types.ts';

/** Plans written by hand, for tests of what becomes of them. */

export const SETTINGS: ProxySettings = {
  tls: { minVersion: 'TLSv1_2', maxVersion: 'TLSv1_3', cipherSuites: [], ecdhCurves: [] },
};

export const identity = (text: string): Identity => {
  const [namespace = '', serviceAccount = ''] = text.split('/');
  return { namespace, serviceAccount };
};

export const service = (text: string): ServiceRef => {
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
};

export const origin = (kind: string, text: string, field = 'spec'): Origin => {
  const [namespace = '', name = ''] = text.split('/');
  return { kind, namespace, name, generation: 1, field };
};

export const anyMatch: HttpMatch = { path: '.*', headers: [] };

export const httpRule = (target: string, match: Partial<HttpMatch>, ...sources: string[]): HttpRule => ({
  match: { ...anyMatch, ...match },
  sources: sources.map(identity),
  origins: [origin('TrafficTarget', target)],
});

export const tcpRule = (target: string, ports: readonly number[] | undefined, ...sources: string[]): TcpRule => ({
  ...(ports === undefined ? {} : { ports }),
  sources: sources.map(identity),
  origins: [origin('TrafficTarget', target)],
});

export const rules = (http: readonly HttpRule[], tcp: readonly TcpRule[] = []): RuleAccess => ({
  mode: 'rules',
  http,
  tcp,
});

export const serverName = ({ namespace, name }: ServiceRef): string => `${name}.${namespace}.svc.cluster.local`;

export const inbound = (
  ref: string,
  port: number,
  targetPort: number,
  rest: Partial<InboundService> = {},
): InboundService => ({
  service: service(ref),
  port,
  targetPort,
  protocol: 'http',
  serverName: serverName(service(ref)),
  access: { mode: 'any' },
  ...rest,
});

export const outbound = (
  ref: string,
  port: number,
  address: string,
  destinations: readonly (readonly [upstream: string, weight: number])[],
  rest: Partial<OutboundService> = {},
): OutboundService => ({
  service: service(ref),
  port,
  protocol: 'http',
  addresses: [address],
  routes: [{ destinations: destinations.map(([upstream, weight]) => ({ upstream, weight })), origins: [] }],
  ...rest,
});

export const upstream = (key: string, servers: readonly string[], rest: Partial<Upstream> = {}): Upstream => {
  const [ref = '', targetPort = ''] = key.split('|');
  return {
    key,
    service: service(ref),
    targetPort: Number(targetPort),
    protocol: 'http',
    serverName: serverName(service(ref)),
    servers: servers.map(identity),
    ...rest,
  };
};

export const assignment = (key: string, ...endpoints: readonly Endpoint[]): Assignment => ({
  upstream: key,
  endpoints,
});

export const endpoint = (address: string, port: number, health: Endpoint['health'] = 'healthy'): Endpoint => ({
  address,
  port,
  health,
});

export function plan(
  of: string,
  parts: Partial<Omit<ProxyPlan, 'upstreams' | 'assignments' | 'identity'>> & {
    readonly upstreams?: readonly Upstream[];
    readonly assignments?: readonly Assignment[];
  },
): ProxyPlan {
  const { upstreams = [], assignments = [], ...rest } = parts;
  return {
    identity: identity(of),
    trustDomain: 'cluster.local',
    settings: SETTINGS,
    inbound: [],
    ingress: [],
    outbound: [],
    egress: [],
    passthrough: false,
    meshAddresses: [],
    metrics: false,
    ...rest,
    upstreams: new Map(upstreams.map((each) => [each.key, each])),
    assignments: new Map(assignments.map((each) => [each.upstream, each])),
  };
}
