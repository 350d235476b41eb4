import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What a handler answers. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as HTML, anything else as JSON. */
  readonly body: unknown;
}

/** Handlers by `METHOD /path`; the path has no query. */
export type Routes = Readonly<Record<string, (request: IncomingMessage, url: URL) => Answer | Promise<Answer>>>;

/**
 * Serves routes; `GET /healthz` comes with it and answers 200 until the server is told to fail (`POST /fail`);
 * `POST /stop-listening` closes its port.
 */
export function serve(port: number, routes: Routes): Promise<Server> {
  let healthy = true;
  let stopListening = (): void => {};
  const all: Routes = {
    'GET /healthz': () => ({ status: healthy ? 200 : 503, body: { healthy } }),
    'POST /fail': () => {
      healthy = false;
      return { body: { healthy } };
    },
    'POST /stop-listening': () => {
      stopListening();
      return { headers: { connection: 'close' }, body: {} };
    },
    ...routes,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const handler = all[`${request.method} ${url.pathname}`];
    let result: Answer;
    try {
      result = handler ? await handler(request, url) : { status: 404, body: { error: `nothing at ${url.pathname}` } };
    } catch (error) {
      result = { status: 502, body: { error: String(error) } };
    }
    const html = typeof result.body === 'string';
    response.writeHead(result.status ?? 200, {
      'content-type': html ? 'text/html; charset=utf-8' : 'application/json',
      ...result.headers,
    });
    response.end(html ? result.body : `${JSON.stringify(result.body)}\n`);
  };
  const server = createServer((request, response) => {
    request.resume();
    void answer(request, response);
  });
  // The process stays, as one does that has lost its socket.
  stopListening = () => {
    server.close();
    setInterval(() => {}, 60_000);
  };
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 600_000;
  process.once('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '0.0.0.0', () => resolve(server));
  });
}

/** A page that shows counters and keeps itself fresh. */
export function page(title: string, counters: object): string {
  const rows = Object.entries(counters)
    .map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(JSON.stringify(value))}</td></tr>`)
    .join('');
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>${escapeHtml(title)}</title>
<style>body{font:16px system-ui;margin:3em;color:#222}td{padding:.3em 1.5em .3em 0;border-bottom:1px solid #ddd}h1{font-size:1.4em}</style>
<h1>${escapeHtml(title)}</h1><table>${rows}</table>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
