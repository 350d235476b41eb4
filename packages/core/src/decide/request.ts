import type { HttpMatch, ServiceRef } from '../plan/types.ts';
import { restrictsPath } from '../xds/http-match.ts';
import type { Call } from './call.ts';
import type { Request } from './match.ts';
import { normalizePath, strictPath } from './path.ts';

/** Host that a client sends for a service: its name in its namespace, with the port unless it is HTTP's own. */
const usualHost = ({ name, namespace }: ServiceRef, port: number): string =>
  port === 80 ? `${name}.${namespace}` : `${name}.${namespace}:${port}`;

/** Headers that steer the proxy itself; those that clients send are dropped before rules are asked. */
const STEERING = /^x-envoy-/;

function asSeen(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name in headers) {
    if (name === name.toLowerCase() && !STEERING.test(name)) continue;
    const lower = Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value] as const);
    return Object.fromEntries(lower.filter(([key]) => !STEERING.test(key)));
  }
  return headers;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** The request of a call as it is sent. `service` is the one that is dialled, if that is known. */
export function requestOf(call: Call, service: ServiceRef | undefined, port: number): Request {
  const { path = '/', method = 'GET', headers } = call;
  const end = path.indexOf('?');
  const all = headers === undefined ? NO_HEADERS : asSeen(headers);
  return {
    method,
    path: end < 0 ? path : path.slice(0, end),
    host: call.destination.host ?? all.host ?? (service ? usualHost(service, port) : ''),
    headers: all,
  };
}

const withPath = (request: Request, path: string | undefined): Request | undefined =>
  path === request.path ? request : path === undefined ? undefined : { ...request, path };

/** The request as the proxy of a caller sees it, and sends it on; undefined when it answers 400. */
export const requestSeen = (request: Request): Request | undefined => withPath(request, normalizePath(request.path));

/** The same where rules tell paths apart; undefined also when applications could read the path as another. */
export const requestSeenStrictly = (request: Request): Request | undefined =>
  withPath(request, strictPath(request.path));

const strict = new WeakMap<readonly { readonly match: HttpMatch }[], boolean>();

/** Whether some rule tells paths apart. */
export function tellPathsApart(rules: readonly { readonly match: HttpMatch }[]): boolean {
  let found = strict.get(rules);
  if (found === undefined) {
    found = rules.some(({ match }) => restrictsPath(match));
    strict.set(rules, found);
  }
  return found;
}
