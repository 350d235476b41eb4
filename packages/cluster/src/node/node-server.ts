import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, isIPv4, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { join } from './forward.ts';

/** The kubelet's side of the node's socket. */
export interface KubeletRoutes {
  handler(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const MAX_DIAL_MS = 30_000;

/**
 * Serves the node's unix socket: `GET /dial?host=&port=&timeoutMs=` with `Upgrade: tcp` becomes a connection made inside the
 * cluster's network (502 with the reason when it is refused); every other path is the kubelet's. `resolve` gives the addresses of a host name.
 */
export async function startNodeServer(
  socketPath: string,
  resolve: (host: string) => readonly string[],
  kubelet: () => KubeletRoutes | undefined,
): Promise<Server> {
  const server = createServer((request, response) => {
    const routes = kubelet();
    if (routes) routes.handler(request, response);
    else response.writeHead(503).end('the kubelet has not started yet\n');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? '/', 'http://node');
    socket.on('error', () => socket.destroy());
    if (url.pathname === '/dial') {
      dial(url.searchParams, resolve, socket, head);
      return;
    }
    const routes = kubelet();
    if (routes) routes.upgrade(request, socket, head);
    else refuse(socket, 503, 'the kubelet has not started yet');
  });
  // Streams of logs and exec are open for as long as their readers like.
  server.requestTimeout = 0;
  rmSync(socketPath, { force: true });
  server.listen(socketPath);
  await once(server, 'listening');
  chmodSync(socketPath, 0o600);
  return server;
}

function dial(
  query: URLSearchParams,
  resolve: (host: string) => readonly string[],
  socket: Duplex,
  head: Buffer,
): void {
  const host = query.get('host') ?? '';
  const port = Number(query.get('port'));
  const timeoutMs = Math.min(Number(query.get('timeoutMs') ?? MAX_DIAL_MS) || MAX_DIAL_MS, MAX_DIAL_MS);
  const ip = isIPv4(host) ? host : resolve(host)[0];
  if (ip === undefined) {
    refuse(socket, 502, `no such host in the cluster: ${host}`);
    return;
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    refuse(socket, 400, `no such port: ${query.get('port')}`);
    return;
  }
  const remote: Socket = connect({ host: ip, port, allowHalfOpen: true, noDelay: true });
  const timer = setTimeout(() => remote.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const fail = (error: Error) => {
    clearTimeout(timer);
    refuse(socket, 502, `cannot connect to ${host}:${port}: ${error.message}`);
  };
  remote.once('error', fail);
  socket.once('close', () => remote.destroy());
  remote.once('connect', () => {
    clearTimeout(timer);
    remote.off('error', fail);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    if (head.length > 0) remote.write(head);
    join(socket, remote);
  });
}

function refuse(socket: Duplex, status: number, reason: string): void {
  const body = `${reason}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${status === 400 ? 'Bad Request' : 'Bad Gateway'}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
