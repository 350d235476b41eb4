import { Agent, request } from 'node:http';

/** What a call came to. `status` 0: no answer; `error` then tells why. */
export interface Outcome {
  readonly status: number;
  /** Who answered, by its own word. */
  readonly server: string;
  readonly error?: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const TIMEOUT_MS = 5000;

/** Makes one request, and never repeats it: the demo counts what the mesh loses. */
export function call(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const outgoing = request(url, { agent, headers, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      const named = response.headers['x-bookstore'];
      const server = typeof named === 'string' ? named : '';
      response.once('end', () => resolve({ status: response.statusCode ?? 0, server }));
      response.once('error', (error) => resolve({ status: 0, server, error: error.message }));
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    outgoing.once('error', (error) => resolve({ status: 0, server: '', error: error.message }));
    outgoing.end();
  });
}
