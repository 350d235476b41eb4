import { forbidden, invalid, join, required } from '../schema/fault.ts';
import { list } from '../store/fields.ts';
import {
  type Faults,
  NONE,
  needed,
  notNegative,
  oneOf,
  portNumber,
  portReference,
  positive,
  present,
  setFields,
} from './check.ts';

const httpFaults = (http: Readonly<Record<string, unknown>>, path: string): Faults => [
  ...needed(join(path, 'path'), http.path),
  ...portReference(join(path, 'port'), http.port),
  ...oneOf(join(path, 'scheme'), http.scheme, ['HTTP', 'HTTPS']),
];

const execFaults = (exec: Readonly<Record<string, unknown>>, path: string): Faults =>
  list(exec.command).length === 0 ? [required(join(path, 'command'))] : NONE;

/** Exactly one way of acting, and that one right. */
const handlerFaults = (handler: Readonly<Record<string, unknown>>, path: string, kinds: readonly string[]): Faults => {
  const given = setFields(handler, kinds);
  if (given.length === 0) return [required(path, 'must specify a handler type')];
  return [
    ...given.slice(1).map((name) => forbidden(join(path, name), 'may not specify more than 1 handler type')),
    ...present(join(path, 'httpGet'), handler.httpGet, httpFaults),
    ...present(join(path, 'exec'), handler.exec, execFaults),
    ...present(join(path, 'tcpSocket'), handler.tcpSocket, ({ port }, here) => portReference(join(here, 'port'), port)),
    ...present(join(path, 'grpc'), handler.grpc, ({ port }, here) => portNumber(join(here, 'port'), port)),
  ];
};

/** What is wrong with a probe; `once` says that one success is all it may ask for (liveness and start-up). */
export const probeFaults = (probe: Readonly<Record<string, unknown>>, path: string, once: boolean): Faults => {
  const { successThreshold } = probe;
  return [
    ...handlerFaults(probe, path, ['exec', 'httpGet', 'tcpSocket', 'grpc']),
    ...['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'].flatMap(
      (name) => notNegative(join(path, name), probe[name]),
    ),
    ...positive(join(path, 'terminationGracePeriodSeconds'), probe.terminationGracePeriodSeconds),
    ...(once && typeof successThreshold === 'number' && successThreshold > 1
      ? [invalid(join(path, 'successThreshold'), successThreshold, 'must be 1')]
      : NONE),
  ];
};

/** What is wrong with a hook of a container's life. */
export const hookFaults = (hook: Readonly<Record<string, unknown>>, path: string): Faults => [
  ...handlerFaults(hook, path, ['exec', 'httpGet', 'tcpSocket', 'sleep']),
  ...present(join(path, 'sleep'), hook.sleep, ({ seconds }, here) => notNegative(join(here, 'seconds'), seconds)),
];
