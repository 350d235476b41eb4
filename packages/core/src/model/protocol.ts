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

/** Prefixes of port names, longest first: `tcp-` is also how `tcp-server-first-` begins. */
const PREFIXES: readonly Protocol[] = ['tcp-server-first', 'http', 'grpc', 'tcp'];

/**
 * The protocol of a Service's port: `appProtocol`, else the prefix of the port's name (`http-`, `grpc-`, `tcp-`,
 * `tcp-server-first-`, or the whole name), else HTTP. An `appProtocol` that is not known is TCP, server-first where that
 * is known of it.
 */
export function protocolOf(appProtocol: string | undefined, portName: string | undefined): Protocol {
  if (appProtocol !== undefined && appProtocol !== '') {
    const said = appProtocol.toLowerCase();
    return BY_APP_PROTOCOL[said] ?? (SERVER_FIRST.has(said) ? 'tcp-server-first' : 'tcp');
  }
  const name = (portName ?? '').toLowerCase();
  return PREFIXES.find((prefix) => name === prefix || name.startsWith(`${prefix}-`)) ?? 'http';
}
