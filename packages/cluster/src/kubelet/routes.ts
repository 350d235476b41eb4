import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ContainerLife } from './container-life.ts';
import { enterCommand } from './enter.ts';
import { attachCommand, execCommand } from './exec-command.ts';
import { parseLogQuery } from './log-query.ts';
import { logAttempts, streamLog } from './log-reader.ts';
import type { PodWorker } from './pod-worker.ts';
import { servePortForward } from './port-forward.ts';
import { COMMAND_PROTOCOLS, parseStreamOptions, serveRemoteCommand } from './remote-command.ts';
import { RequestError, refuse, refuseUpgrade } from './status-error.ts';
import { willRestart } from './sync-pod.ts';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Finds the pod's worker; undefined when the node does not run it, 'hollow' when it has no processes. */
export type FindPod = (namespace: string, name: string) => PodWorker | 'hollow' | undefined;

/** The kubelet's HTTP side. */
export interface KubeletRoutes {
  handler(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * Serves `/logs/{ns}/{pod}/{container}` and the upgrades `/exec|attach/{ns}/{pod}/{container}` and `/portforward/{ns}/{pod}`.
 * The caller has authorised the request. Refusals are `metav1.Status` bodies.
 */
export function createRoutes(find: FindPod): KubeletRoutes {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => COMMAND_PROTOCOLS.find((p) => offered.has(p)) ?? false,
  });
  return {
    handler(request, response) {
      serveLogs(find, request, response).catch((error: unknown) => refuse(response, error));
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      try {
        serveUpgrade(find, server, request, socket, head);
      } catch (error) {
        refuseUpgrade(socket, error);
      }
    },
  };
}

interface Target {
  readonly verb: string;
  readonly worker: PodWorker;
  readonly container: string | undefined;
  readonly query: URLSearchParams;
}

function target(find: FindPod, request: IncomingMessage): Target {
  const url = new URL(request.url ?? '/', 'http://node');
  const [verb = '', namespace = '', pod = '', container] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  if (!['logs', 'exec', 'attach', 'portforward'].includes(verb))
    throw new RequestError(404, `the kubelet serves no ${url.pathname}`);
  const worker = find(namespace, pod);
  if (worker === 'hollow')
    throw new RequestError(501, `pod ${namespace}/${pod} is on a hollow node and has no processes`);
  if (!worker) throw new RequestError(404, `pod ${namespace}/${pod} is not on this node`);
  return {
    verb,
    worker,
    container: container || url.searchParams.get('container') || undefined,
    query: url.searchParams,
  };
}

async function serveLogs(find: FindPod, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { verb, worker, container, query } = target(find, request);
  if (verb !== 'logs') throw new RequestError(400, `${verb} needs an upgrade of the connection`);
  if (request.method !== 'GET') throw new RequestError(405, 'logs are read with GET');
  const life = lifeOf(worker, container);
  const options = parseLogQuery(query, Date.now());
  const { name } = life.container;
  const directory = join(worker.sandbox.directory, 'logs', name);
  const attempts = logAttempts(directory);
  const attempt = options.previous ? previousAttempt(worker, life, attempts) : attempts[0];
  if (attempt === undefined) {
    const pod = worker.pod().metadata.name;
    throw new RequestError(
      400,
      options.previous
        ? `previous terminated container ${JSON.stringify(name)} in pod ${JSON.stringify(pod)} not found`
        : `container ${JSON.stringify(name)} in pod ${JSON.stringify(pod)} is waiting to start`,
    );
  }
  const path = join(directory, `${attempt}.log`);
  const live = life.running?.log.path === path ? life.running.log : undefined;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' });
  response.flushHeaders();
  await streamLog(path, options, live, response, gone.signal);
}

/** The run before the present one; between two runs that is the last one, as for a container in CrashLoopBackOff. */
function previousAttempt(worker: PodWorker, life: ContainerLife, attempts: readonly number[]): number | undefined {
  const { state, restartCount } = life.observed;
  const between = state.kind === 'terminated' && willRestart(worker.pod(), life.container, state.exitCode);
  return between ? attempts[0] : attempts.find((attempt) => attempt < restartCount);
}

function serveUpgrade(
  find: FindPod,
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { verb, worker, container, query } = target(find, request);
  if (verb === 'portforward') {
    servePortForward(request, socket, head, worker.dialer());
    return;
  }
  if (verb !== 'exec' && verb !== 'attach') throw new RequestError(400, `${verb} is not an upgrade`);
  const life = lifeOf(worker, container);
  const running = life.running;
  if (!running)
    throw new RequestError(
      400,
      `container ${JSON.stringify(life.container.name)} of pod ${JSON.stringify(worker.pod().metadata.name)} is not running`,
    );
  const options = parseStreamOptions(query);
  if (verb === 'attach') {
    const exitCode = (): number | undefined => {
      const { state } = life.observed;
      return state.kind === 'terminated' ? state.exitCode : undefined;
    };
    const once = life.container.stdinOnce === true;
    serveRemoteCommand(server, request, socket, head, options, () =>
      attachCommand(running, life.exited, exitCode, once),
    );
    return;
  }
  const command = query.getAll('command');
  if (command.length === 0) throw new RequestError(400, 'you must specify a command to run in the container');
  const extra: Record<string, string> = options.tty ? { TERM: 'xterm' } : {};
  serveRemoteCommand(server, request, socket, head, options, () =>
    execCommand(enterCommand(worker.context.launcher, running, command, extra), options),
  );
}

function lifeOf(worker: PodWorker, container: string | undefined): ContainerLife {
  const pod = worker.pod();
  const name =
    container ??
    pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'] ??
    pod.spec.containers[0]?.name ??
    '';
  const life = worker.life(name);
  if (!life)
    throw new RequestError(
      400,
      `container ${JSON.stringify(name)} is not valid for pod ${JSON.stringify(pod.metadata.name)}`,
    );
  return life;
}
