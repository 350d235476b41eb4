import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { at, list, text } from '../store/fields.ts';
import { badRequest, StatusError, unavailable } from './errors.ts';
import { failure } from './respond.ts';
import type { ApiState } from './state.ts';
import { mustFind, type Target } from './target.ts';

/** The pod subresources that the kubelet answers, with its path for each. */
const KUBELET_PATHS: Readonly<Record<string, string>> = {
  log: 'logs',
  exec: 'exec',
  attach: 'attach',
  portforward: 'portforward',
};

/** True when a pod's subresource is served by its node. */
export const isKubeletSubresource = (subresource: string): boolean => Object.hasOwn(KUBELET_PATHS, subresource);

/** Headers that say who the caller is: the kubelet trusts its socket, and must not see credentials. */
const PRIVATE_HEADERS = new Set(['authorization', 'cookie', 'host', 'proxy-authorization']);

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The container a request is about. Throws BadRequest when it names none and the pod has several, or one it has not. */
const containerOf = (pod: object, name: string, asked: string): string => {
  const names = ['containers', 'initContainers', 'ephemeralContainers'].map((field) =>
    list(at(pod, 'spec', field)).map((container) => text(at(container, 'name'))),
  );
  const [containers = []] = names;
  if (asked !== '') {
    if (!names.flat().includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  const preferred = text(at(pod, 'metadata', 'annotations', DEFAULT_CONTAINER));
  if (containers.includes(preferred)) return preferred;
  const [only, second] = containers;
  if (only !== undefined && second === undefined) return only;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.flat().join(' ')}]`);
};

interface KubeletCall {
  readonly socketPath: string;
  readonly path: string;
}

/** Where on the node's socket a pod's stream is. Throws StatusError when the pod is on no node or the node is not up. */
const kubeletCall = (api: ApiState, target: Target, query: URLSearchParams): KubeletCall => {
  const pod = mustFind(api, target).object;
  const node = api.node();
  if (text(at(pod, 'spec', 'nodeName')) === '') throw badRequest(`pod ${target.name} does not have a host assigned`);
  if (node === undefined) throw unavailable('the cluster\'s node is not running: see "osm local status"');
  const { subresource } = target;
  const prefix = `/${KUBELET_PATHS[subresource] ?? ''}/${encodeURIComponent(target.namespace)}/${encodeURIComponent(target.name)}`;
  if (subresource === 'portforward') return { socketPath: node.kubeletSocket, path: `${prefix}?${query}` };
  const container = containerOf(pod, target.name, query.get('container') ?? '');
  if (subresource === 'log') refuseWaiting(pod, target.name, container);
  return { socketPath: node.kubeletSocket, path: `${prefix}/${encodeURIComponent(container)}?${query}` };
};

/** A container that has not started has no log: say what it waits for. */
const refuseWaiting = (pod: object, name: string, container: string): void => {
  const statuses = ['containerStatuses', 'initContainerStatuses'].flatMap((field) => list(at(pod, 'status', field)));
  const status = statuses.find((item) => at(item, 'name') === container);
  const waiting = at(status, 'state', 'waiting');
  const started = at(status, 'lastState', 'terminated') !== undefined;
  if ((status !== undefined && waiting === undefined) || started) return;
  const reason = text(at(waiting, 'reason'));
  throw badRequest(
    `container "${container}" in pod "${name}" is waiting to start: ${reason === '' ? 'ContainerCreating' : reason}`,
  );
};

const forwardedHeaders = (request: IncomingMessage): string[] => {
  const headers: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (!PRIVATE_HEADERS.has(name.toLowerCase())) headers.push(name, request.rawHeaders[index + 1] ?? '');
  }
  return ['Host', 'node', ...headers];
};

/** Passes a log request on to the node and its answer back as it comes. Throws StatusError. */
export const proxyLog = (
  api: ApiState,
  target: Target,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> => {
  const { socketPath, path } = kubeletCall(api, target, query);
  return new Promise((resolve, reject) => {
    const upstream = httpRequest({ socketPath, path, method: 'GET' }, (answer) => {
      const type = answer.headers['content-type'];
      response.writeHead(answer.statusCode ?? 502, type === undefined ? {} : { 'content-type': type });
      response.flushHeaders();
      answer.pipe(response);
      answer.once('end', resolve);
      answer.once('error', () => {
        response.destroy();
        resolve();
      });
    });
    response.once('close', () => {
      upstream.destroy();
      resolve();
    });
    upstream.once('error', (error) => reject(unavailable(`the node does not answer: ${error.message}`)));
    upstream.end();
  });
};

/** Joins two streams until either ends. */
const join = (left: Duplex, right: Duplex): void => {
  left.pipe(right);
  right.pipe(left);
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.once('error', () => other.destroy());
    one.once('close', () => other.destroy());
  }
};

const statusLine = (answer: IncomingMessage): string => {
  const lines = [`HTTP/1.1 ${answer.statusCode ?? 502} ${answer.statusMessage ?? ''}`];
  for (let index = 0; index < answer.rawHeaders.length; index += 2)
    lines.push(`${answer.rawHeaders[index] ?? ''}: ${answer.rawHeaders[index + 1] ?? ''}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
};

/**
 * Passes an upgrade (exec, attach, port-forward; WebSocket or SPDY) on to the node: after the node has agreed, bytes go
 * through unread in both directions. Throws StatusError before anything is written to the client.
 */
export const proxyUpgrade = (
  api: ApiState,
  target: Target,
  query: URLSearchParams,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): void => {
  const { socketPath, path } = kubeletCall(api, target, query);
  const headers = forwardedHeaders(request);
  const upstream = httpRequest({ socketPath, path, method: request.method ?? 'GET', headers });
  client.once('error', () => upstream.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('upgrade', (answer, node, first) => {
    client.write(statusLine(answer));
    if (first.length > 0) client.write(first);
    if (head.length > 0) node.write(head);
    join(client, node);
  });
  upstream.once('response', (answer) => {
    // The node refused: its Status goes back as a plain answer.
    client.write(statusLine(answer));
    answer.pipe(client);
  });
  upstream.once('error', (error) => {
    if (client.writable) writeRefusal(client, unavailable(`the node does not answer: ${error.message}`));
  });
  upstream.end();
};

/** Answers an upgrade request that fails with its Status and closes the connection. */
export const writeRefusal = (client: Duplex, error: unknown): void => {
  const { code, text: body } = failure(error);
  const reason = error instanceof StatusError ? (error.body.reason ?? 'Error') : 'Error';
  client.end(
    `HTTP/1.1 ${code} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
};
