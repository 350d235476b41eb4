import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { KubeConfig } from '../config.ts';
import { Authority } from './authority.ts';

/** A request as a test wants to see it. */
export interface Seen {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly socket: Socket;
  /** Common name of the client's certificate. */
  readonly client: string | undefined;
}

/** Answers one request. */
export type Handler = (seen: Seen, response: ServerResponse) => void;

let authority: Authority | undefined;

/** One authority serves a whole test file. */
export function testAuthority(): Authority {
  if (!authority) {
    const made = new Authority();
    authority = made;
    process.once('exit', () => made.remove());
  }
  return authority;
}

/** A real HTTPS server whose answers are the test's. */
export class HttpsServer {
  readonly seen: Seen[] = [];
  readonly connections = new Set<Socket>();
  /** All connections so far. */
  accepted = 0;
  handler: Handler;
  readonly directory = mkdtempSync(join(tmpdir(), 'osm-kube-'));
  readonly #server: Server;
  #port = 0;

  private constructor(handler: Handler) {
    this.handler = handler;
    const pair = testAuthority().issue('/CN=kubernetes', 'DNS:localhost,DNS:kubernetes,IP:127.0.0.1');
    this.#server = createServer({
      cert: pair.certPem,
      key: pair.keyPem,
      ca: testAuthority().certPem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    this.#server.on('secureConnection', (socket) => {
      this.accepted += 1;
      this.connections.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.connections.delete(socket));
    });
    this.#server.on('request', (request, response) => {
      void this.#take(request, response);
    });
  }

  static async start(handler: Handler, where: 'tcp' | 'unix' = 'tcp'): Promise<HttpsServer> {
    const server = new HttpsServer(handler);
    await server.listen(where);
    return server;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  get socketPath(): string {
    return join(this.directory, 's.sock');
  }

  /** What a client needs to reach it. */
  get config(): KubeConfig & { readonly server: string } {
    return { server: this.url, caPem: testAuthority().certPem };
  }

  /** `METHOD path` of the requests so far. */
  get requests(): readonly string[] {
    return this.seen.map(({ method, path }) => `${method} ${path}`);
  }

  /** Listens, again on the same port after {@link vanish}. */
  async listen(where: 'tcp' | 'unix' = 'tcp'): Promise<void> {
    if (where === 'unix') this.#server.listen(this.socketPath);
    else this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    if (where === 'tcp') this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.connections) socket.destroy();
  }

  /** Stops listening and breaks all connections. */
  async vanish(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  async stop(): Promise<void> {
    await this.vanish();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    try {
      for await (const chunk of request) body += (chunk as Buffer).toString('utf8');
    } catch {
      return;
    }
    const socket = request.socket as TLSSocket;
    const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
    const seen: Seen = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      socket,
      client: subject?.CN as string | undefined,
    };
    this.seen.push(seen);
    this.handler(seen, response);
  }
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  code: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

/** A failure Status. */
export function status(code: number, reason: string, message = reason): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

/** Waits until something holds; fails after 10 s. */
export async function until(holds: () => boolean, what = 'it'): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what} has not come true within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
