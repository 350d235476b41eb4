import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ClientLimits, Impersonation, KubeConfig } from './config.ts';
import type { CredentialSource, TlsMaterial } from './credentials.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { readTarget } from './server-target.ts';
import { answerTooLarge } from './status.ts';
import { ApiError } from './types.ts';

/** One HTTP request. */
export interface Exchange {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

/** A whole answer. */
export interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** HTTPS to one API server. */
export interface Transport {
  /** Where the server is, as errors name it. */
  readonly address: string;
  /** Rejects with ApiError `Unreachable`, or with the signal's reason. */
  ask(exchange: Exchange): Promise<Answer>;
  /** The answer as soon as its headers are there, on a connection of its own; its reader destroys it. */
  open(exchange: Exchange): Promise<IncomingMessage>;
  close(): void;
}

/** Connections for requests, and those for answers that last, made with the same credentials. */
interface Connections {
  readonly tls: TlsMaterial;
  readonly pooled: Agent;
  readonly lasting: Agent;
}

/** Idle connections are closed before servers do it (kube-apiserver after 90 s), so that a request does not meet a dead one. */
const IDLE_MS = 45_000;
/** TCP keep-alive, which finds a peer that has vanished. */
const KEEP_ALIVE_MS = 15_000;
const MAX_SOCKETS = 32;

/** Makes the transport. Connects when asked. Throws RangeError for an address that is not HTTPS. */
export function createTransport(config: KubeConfig, source: CredentialSource, limits: ClientLimits): Transport {
  const target = readTarget(config);
  const closing = new AbortController();
  let connections: Connections | undefined;

  const connectionsFor = (tls: TlsMaterial): Connections => {
    if (connections?.tls === tls) return connections;
    const secureContext = readMaterial(tls);
    retire(connections);
    const common = { ...target.connect, secureContext, minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;
    connections = {
      tls,
      pooled: new Agent({
        ...common,
        keepAlive: true,
        keepAliveMsecs: KEEP_ALIVE_MS,
        maxSockets: MAX_SOCKETS,
        timeout: IDLE_MS,
      }),
      lasting: new Agent({ ...common, keepAlive: false }),
    };
    return connections;
  };

  const send = async (exchange: Exchange, lasting: boolean, signal: AbortSignal): Promise<IncomingMessage> => {
    const credential = await source.read();
    signal.throwIfAborted();
    const { pooled, lasting: apart } = connectionsFor(credential.tls);
    const body = exchange.body === undefined ? undefined : Buffer.from(exchange.body, 'utf8');
    const options: RequestOptions = {
      ...target.request,
      method: exchange.method,
      path: target.prefix + exchange.path,
      agent: lasting ? apart : pooled,
      headers: {
        'user-agent': 'osm',
        accept: 'application/json',
        ...target.headers,
        ...impersonation(config.impersonate),
        ...(credential.token === undefined ? {} : { authorization: `Bearer ${credential.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }),
        ...exchange.headers,
      },
      signal,
    };
    for (;;) {
      const outgoing = request(options);
      // Faults after the headers reach the reader through the response; here they only must not be unheard.
      outgoing.on('error', () => {});
      if (lasting) outgoing.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      outgoing.end(body);
      try {
        const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
        return response;
      } catch (error) {
        // The server closed an idle connection while the request was on its way: nothing was answered, so a read is asked again.
        const stale = outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (!stale || exchange.method !== 'GET' || signal.aborted) throw error;
      }
    }
  };

  /** Runs with a deadline; turns whatever fails into the errors of the contract. */
  const within = async <T>(exchange: Exchange, run: (deadline: Deadline) => Promise<T>): Promise<T> => {
    const deadline = startDeadline(limits.requestMs, [closing.signal, exchange.signal]);
    try {
      deadline.signal.throwIfAborted();
      return await run(deadline);
    } catch (error) {
      throw toApiError(error, exchange, target.address, deadline, closing.signal, limits.requestMs);
    } finally {
      deadline.end();
    }
  };

  return {
    address: target.address,
    ask: (exchange) =>
      within(exchange, async ({ signal }) => {
        const response = await send(exchange, false, signal);
        const text = await collect(response, limits.answerBytes, describe(exchange));
        return { code: response.statusCode ?? 0, headers: response.headers, text };
      }),
    async open(exchange) {
      const stream = new AbortController();
      const response = await within(exchange, async ({ signal }) => {
        // The deadline ends the stream only until its headers are there.
        const forward = () => stream.abort(signal.reason);
        signal.addEventListener('abort', forward, { once: true });
        try {
          return await send(exchange, true, stream.signal);
        } finally {
          signal.removeEventListener('abort', forward);
        }
      });
      const end = () => response.destroy();
      for (const signal of [closing.signal, exchange.signal]) signal?.addEventListener('abort', end, { once: true });
      response.once('close', () => {
        for (const signal of [closing.signal, exchange.signal]) signal?.removeEventListener('abort', end);
      });
      if (closing.signal.aborted || exchange.signal?.aborted) end();
      return response;
    },
    close() {
      closing.abort(new ApiError(0, 'Closed', `the client of ${target.address} is closed`));
      connections?.pooled.destroy();
      connections?.lasting.destroy();
    },
  };
}

/** `METHOD path` without the query, as errors name a request. */
export function describe(exchange: Exchange): string {
  return `${exchange.method} ${exchange.path.split('?')[0]}`;
}

function readMaterial(tls: TlsMaterial): SecureContext {
  try {
    return createSecureContext({
      ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
      ...(tls.certPem === undefined ? {} : { cert: tls.certPem }),
      ...(tls.keyPem === undefined ? {} : { key: tls.keyPem }),
    });
  } catch (error) {
    throw new Error(`the client's certificate, key or authority cannot be used (${messageOf(error)})`);
  }
}

/** Lets the running requests of replaced credentials finish, and keeps none of their connections. */
function retire(connections: Connections | undefined): void {
  if (!connections) return;
  connections.pooled.maxFreeSockets = 0;
  for (const sockets of Object.values(connections.pooled.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

function impersonation(as: Impersonation | undefined): Record<string, string | string[]> {
  if (!as) return {};
  return {
    'impersonate-user': as.user,
    ...(as.uid === undefined ? {} : { 'impersonate-uid': as.uid }),
    ...(as.groups.length === 0 ? {} : { 'impersonate-group': [...as.groups] }),
    ...Object.fromEntries(
      Object.entries(as.extra).map(([key, values]) => [`impersonate-extra-${encodeURIComponent(key)}`, [...values]]),
    ),
  };
}

async function collect(response: IncomingMessage, limit: number, request: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      response.destroy();
      throw answerTooLarge(response.statusCode ?? 0, 'the answer', limit, request);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

function toApiError(
  error: unknown,
  exchange: Exchange,
  address: string,
  deadline: Deadline,
  closing: AbortSignal,
  requestMs: number,
): unknown {
  if (closing.aborted) return closing.reason;
  if (exchange.signal?.aborted) return exchange.signal.reason;
  if (error instanceof ApiError) return error;
  const fault = deadline.passed() ? `no answer within ${requestMs / 1000} s` : messageOf(error);
  const unreachable = new ApiError(0, 'Unreachable', `cannot reach the API server at ${address}: ${fault}`);
  unreachable.cause = error;
  return unreachable;
}

function messageOf(error: unknown): string {
  // Several addresses of one name, each with its own fault, come as an error without words.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error && error.message !== ''
    ? error.message
    : String((error as { code?: unknown })?.code ?? error);
}
