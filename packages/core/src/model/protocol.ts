import type { Protocol } from '../plan/types.ts';

/** Protocols by what a Service's `appProtocol` says, in lower case. */
const BY_APP_PROTOCOL: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http',
  grpc: 'grpc',
  'grpc-web': 'http',
  tcp: 'tcp',
  'tcp-server-first': 'tcp-server-first',
  // TLS of the application itself passes through as bytes.
  https: 'tcp',
  tls: 'tcp',
  // Kubernetes' own names (KEP-3726).
  'kubernetes.io/h2c': 'http',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'tcp',
};

/** Protocols in which the server speaks first: sniffing the client's bytes would wait for ever. IANA service names. */
const SERVER_FIRST = new Set([
  'mysql',
  'mariadb',
  'smtp',
  'submission',
  'imap',
  'pop3',
  'ftp',
  'ssh',
  'sftp',
  'telnet',
  'nntp',
  'irc',
  'rfb',
  'vnc',
]);

/** Protocols over TCP, by IANA service names, in which the client speaks first, and does not speak HTTP. */
const CLIENT_FIRST = new Set([
  'https',
  'tls',
  'redis',
  'memcache',
  'memcached',
  'postgres',
  'postgresql',
  'mongo',
  'mongodb',
  'cassandra',
  'kafka',
  'amqp',
  'amqps',
  'mqtt',
  'nats',
  'ldap',
  'zookeeper',
]);

/** Prefixes of port names, longest first: `tcp-` is also how `tcp-server-first-` begins. */
const PREFIXES: readonly Protocol[] = ['tcp-server-first', 'http', 'grpc', 'tcp'];

/** TCP for a protocol that is known not to be HTTP, by its name. */
function knownTcp(protocol: string): Protocol | undefined {
  if (SERVER_FIRST.has(protocol)) return 'tcp-server-first';
  return CLIENT_FIRST.has(protocol) ? 'tcp' : undefined;
}

/**
 * The protocol of a Service's port: `appProtocol`, else the port's name, which is or begins with (`http-`, `grpc-`, `tcp-`,
 * `tcp-server-first-`, `redis-`) a protocol's, else HTTP. An `appProtocol` that is not known is TCP, server-first where that is
 * known of it. That names of other protocols than the mesh's own count makes manifests that were written for no mesh work.
 */
export function protocolOf(appProtocol: string | undefined, portName: string | undefined): Protocol {
  if (appProtocol !== undefined && appProtocol !== '') {
    const said = appProtocol.toLowerCase();
    return BY_APP_PROTOCOL[said] ?? knownTcp(said) ?? 'tcp';
  }
  const name = (portName ?? '').toLowerCase();
  const own = PREFIXES.find((prefix) => name === prefix || name.startsWith(`${prefix}-`));
  return own ?? knownTcp(name.split('-')[0] ?? '') ?? 'http';
}

/** Whether the proxy reads requests of a protocol, rather than passing bytes. */
export const isHttp = (protocol: Protocol): boolean => protocol === 'http' || protocol === 'grpc';
