import type { Call, MeshObject } from '@osm/core';
import type { Draw } from './draw.ts';
import {
  HOSTS,
  IDENTITIES,
  NET,
  OUTSIDE,
  OUTSIDE_PORTS,
  SERVER_FIRST,
  SERVICE_PORTS,
  STRANGERS,
  TARGETS,
} from './world.ts';

/** How a caller speaks: `listen` says nothing and waits, `tls` greets as a TLS client. */
export type Speech = 'http1' | 'http2' | 'tcp' | 'listen' | 'tls';

/** One call of a random mesh. */
export interface FuzzCall {
  /** `<namespace>/<service account>`, or the address of somebody without a sidecar. */
  readonly from: string;
  readonly address: string;
  readonly port: number;
  readonly speech: Speech;
  readonly method: string;
  /** Index in {@link SENT_PATHS}. */
  readonly path: number;
  /** Host header, or server name of TLS. */
  readonly host: string;
  readonly color?: string;
}

/** Paths as they are sent, in their normal form, and without double slashes; undefined: applications may differ on it. */
export const SENT_PATHS: readonly (readonly [sent: string, normal: string, merged: string | undefined])[] = [
  ['/', '/', '/'],
  ['/a', '/a', '/a'],
  ['/a/b', '/a/b', '/a/b'],
  ['/A', '/A', '/A'],
  ['/c?x=/a/b', '/c', '/c'],
  ['/items/12', '/items/12', '/items/12'],
  ['/items/x', '/items/x', '/items/x'],
  ['/a%20b', '/a%20b', '/a%20b'],
  ['/a//b', '/a//b', '/a/b'],
  ['//a', '//a', '/a'],
  ['/x/../a', '/a', '/a'],
  ['/a/./b', '/a/b', '/a/b'],
  ['/x/%2e%2e/a/b', '/a/b', '/a/b'],
  ['/a/%2E', '/a/', '/a/'],
  ['/%61', '/a', '/a'],
  ['/a%2Fb', '/a%2Fb', undefined],
  ['/a%5cb', '/a%5cb', undefined],
  ['/x/..%2fa', '/x/..%2fa', undefined],
  ['/a;v=1/b', '/a;v=1/b', '/a;v=1/b'],
  ['/a%252Fb', '/a%252Fb', '/a%252Fb'],
  ['/../../a', '/a', '/a'],
];

interface ServiceFields {
  readonly spec: {
    readonly clusterIP: string;
    readonly ports: readonly {
      readonly name: string;
      readonly port: number;
      readonly appProtocol?: string;
      readonly targetPort?: number | string;
    }[];
  };
}

const portsAt = (services: readonly MeshObject[], address: string, port: number): ServiceFields['spec']['ports'] =>
  services.flatMap((service) => {
    const { clusterIP, ports } = (service as unknown as ServiceFields).spec;
    return clusterIP === address || clusterIP === 'None' ? ports.filter((each) => each.port === port) : [];
  });

const isBytes = (services: readonly MeshObject[], address: string, port: number): boolean =>
  portsAt(services, address, port).some(({ name, appProtocol }) => (appProtocol ?? name).startsWith('tcp'));

const isGreeting = ({ port, targetPort = port }: ServiceFields['spec']['ports'][number]): boolean =>
  targetPort === SERVER_FIRST;

const speaksFirst = (services: readonly MeshObject[], address: string, port: number): boolean =>
  portsAt(services, address, port).length > 0 && portsAt(services, address, port).every(isGreeting);

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD'] as const;
const COLORS = ['red', 'redder', 'blue', 'red,blue', ''] as const;

/** A call that has a good chance of meeting a policy. */
export function drawCall(world: readonly MeshObject[], draw: Draw): FuzzCall {
  const services = world.filter(({ kind }) => kind === 'Service');
  const pods = world.filter(({ kind }) => kind === 'Pod');
  const accounts = pods.map(
    ({ metadata, spec }) => `${metadata.namespace}/${(spec as { serviceAccountName: string }).serviceAccountName}`,
  );
  const aim = draw.below(100);
  const stranger = draw.chance(8);
  let [address, port]: [string, number] = [draw.one(OUTSIDE), draw.one(OUTSIDE_PORTS)];
  const podAddress = (): string => (draw.one(pods) as unknown as { status: { podIP: string } }).status.podIP;
  if (stranger || aim < 12) [address, port] = [podAddress(), draw.one(draw.chance(80) ? TARGETS : SERVICE_PORTS)];
  else if (aim < 78 && services.length > 0) {
    const { spec } = draw.one(services) as unknown as ServiceFields;
    address = spec.clusterIP === 'None' ? podAddress() : spec.clusterIP;
    port = draw.chance(95) ? draw.one(spec.ports).port : draw.one(SERVICE_PORTS);
  }
  const outside = address.startsWith(`${NET}.3.`);
  const first = speaksFirst(services, address, port) || (outside && port === SERVER_FIRST);
  const bytes = isBytes(services, address, port) || (outside && port === SERVER_FIRST);
  const requests = outside
    ? (['http1', 'http2', 'tcp', 'tls', 'http1'] as const)
    : (['http1', 'http1', 'http2'] as const);
  // Who only listens hears nothing of a server that waits; and HTTP is sent to where bytes are taken now and then.
  const connections = first ? (['tcp', 'listen'] as const) : (['tcp', 'tcp', 'http1'] as const);
  const drawn = draw.one<Speech>(bytes !== draw.chance(4) ? connections : requests);
  // A client of HTTP/2 does not say what a server that speaks first said to it.
  const greets = outside ? port === SERVER_FIRST : portsAt(services, address, port).some(isGreeting);
  const speech = greets && drawn === 'http2' ? 'tcp' : drawn;
  return {
    from: stranger ? draw.one(STRANGERS) : draw.chance(75) ? draw.one(accounts) : draw.one(IDENTITIES),
    address,
    port,
    speech,
    method: draw.one(METHODS),
    path: draw.below(SENT_PATHS.length),
    host: outside && draw.chance(40) ? `${draw.one(HOSTS)}${draw.chance(30) ? `:${port}` : ''}` : draw.one(HOSTS),
    ...(draw.chance(50) && { color: draw.one(COLORS) }),
  };
}

/** Whether a call is of HTTP requests. */
export const speaksHttp = ({ speech }: FuzzCall): boolean => speech === 'http1' || speech === 'http2';

/** The call as the evaluator is asked about it. */
export function evaluatorCall({ from, address, port, speech, method, path, host, color }: FuzzCall): Call {
  const [namespace = '', serviceAccount] = from.split('/');
  return {
    source: serviceAccount === undefined ? { outside: { address: from } } : { namespace, serviceAccount },
    destination: {
      to: { address },
      port,
      ...((speech === 'http1' || speech === 'http2' || speech === 'tls') && { host }),
    },
    protocol: speech === 'http1' || speech === 'http2' ? 'http' : 'tcp',
    method,
    path: SENT_PATHS[path]![0],
    ...(color !== undefined && { headers: { 'X-Color': color } }),
  };
}
