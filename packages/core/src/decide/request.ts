import type { ServiceRef } from '../plan/types.ts';
import type { Call } from './call.ts';
import type { Request } from './match.ts';

/** Host that a client sends for a service: its name in its namespace, with the port unless it is HTTP's own. */
const usualHost = ({ name, namespace }: ServiceRef, port: number): string =>
  port === 80 ? `${name}.${namespace}` : `${name}.${namespace}:${port}`;

function lowerNames(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name in headers) {
    if (name === name.toLowerCase()) continue;
    return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
  }
  return headers;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** The request of a call, as matchers see it. `service` is the one that is dialled, if that is known. */
export function requestOf(call: Call, service: ServiceRef | undefined, port: number): Request {
  const { path = '/', method = 'GET', headers } = call;
  const end = path.search(/[?#]/);
  const all = headers === undefined ? NO_HEADERS : lowerNames(headers);
  return {
    method,
    path: end < 0 ? path : path.slice(0, end),
    host: call.destination.host ?? all.host ?? (service ? usualHost(service, port) : ''),
    headers: all,
  };
}
