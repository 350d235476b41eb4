import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { KubeConfig } from './config.ts';

/** How one API server is reached. */
export interface ServerTarget {
  /** As errors name it. */
  readonly address: string;
  /** Goes before every path. */
  readonly prefix: string;
  /** What its certificate is verified against. */
  readonly connect: { readonly servername?: string };
  readonly request: RequestOptions;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the address of a configuration. Throws RangeError when it is not HTTPS. */
export function readTarget(config: KubeConfig): ServerTarget {
  if (config.socketPath !== undefined) {
    const name = config.serverName ?? 'kubernetes';
    return {
      address: `unix:${config.socketPath}`,
      prefix: '',
      connect: { servername: name },
      request: { socketPath: config.socketPath },
      headers: { host: name },
    };
  }
  const url = URL.canParse(config.server) ? new URL(config.server) : undefined;
  if (url?.protocol !== 'https:')
    throw new RangeError(`the API server's address must be https://…, not ${config.server}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // Server name indication carries names only (RFC 6066, section 3); an address is verified as such.
  const servername = config.serverName ?? (isIP(host) === 0 ? host : '');
  return {
    address: url.origin,
    prefix: url.pathname.replace(/\/+$/, ''),
    connect: { servername },
    request: { host, port: url.port === '' ? 443 : Number(url.port) },
    headers: { host: url.host },
  };
}
