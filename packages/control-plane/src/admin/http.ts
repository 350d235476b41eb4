import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VERSION } from '../surface.ts';
import type { Metrics } from './metrics.ts';

/** An answer of a plain HTTP endpoint; objects are sent as JSON. */
export interface Answer {
  readonly status: number;
  readonly body: string | object;
  readonly type?: string;
}

/** Answers a GET. `query` are the parameters of the URL. */
export type Endpoint = (query: URLSearchParams) => Answer | Promise<Answer>;

/** A running plain HTTP server. */
export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

function write(response: ServerResponse, answer: Answer): void {
  const json = typeof answer.body === 'object';
  const body = json ? `${JSON.stringify(answer.body, undefined, 2)}\n` : (answer.body as string);
  response.writeHead(answer.status, {
    'content-type': answer.type ?? (json ? 'application/json' : 'text/plain; charset=utf-8'),
  });
  response.end(body);
}

/** Serves GET endpoints by exact path. Resolves when the port is bound; 0 lets the system choose one. */
export async function startAdminServer(
  port: number,
  endpoints: Readonly<Record<string, Endpoint>>,
  metrics?: Metrics,
): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const began = performance.now();
    const url = new URL(request.url ?? '/', 'http://localhost');
    const endpoint = endpoints[url.pathname];
    const answer = async (): Promise<Answer> => {
      if (endpoint === undefined) return { status: 404, body: 'not found\n' };
      if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'use GET\n' };
      return endpoint(url.searchParams);
    };
    request.resume();
    answer()
      .catch((error: unknown): Answer => ({ status: 500, body: `${String(error)}\n` }))
      .then((result) => {
        write(response, result);
        // Unknown paths share one label: callers must not be able to grow the metrics.
        const path = endpoint === undefined ? 'unknown' : url.pathname;
        const labels = { code: String(result.status), method: request.method ?? '', path };
        metrics?.httpResponses.inc(labels);
        metrics?.httpDuration.observe(labels, (performance.now() - began) / 1000);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Endpoints that every component of the control plane has: `/metrics`, `/version`, `/health/alive`. */
export function commonEndpoints(metrics: Metrics): Record<string, Endpoint> {
  return {
    '/metrics': async () => ({
      status: 200,
      body: await metrics.registry.metrics(),
      type: metrics.registry.contentType,
    }),
    '/version': () => ({ status: 200, body: { Version: VERSION, GitCommit: '', BuildDate: '' } }),
    '/health/alive': () => ({ status: 200, body: 'alive\n' }),
  };
}

/** An endpoint that answers 200 once `reason()` finds nothing missing, else 503 with what is. */
export function readiness(reason: () => string | undefined, ready = 'ready'): Endpoint {
  return () => {
    const missing = reason();
    return missing === undefined ? { status: 200, body: `${ready}\n` } : { status: 503, body: `${missing}\n` };
  };
}
