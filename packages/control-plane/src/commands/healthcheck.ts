import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PORT } from '../surface.ts';

/** Answers whether a TCP connection can be made within the time (ms). */
export function canConnect(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (connected: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(connected);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/**
 * Serves `/osm-healthcheck`, to which TCP probes are rewritten: the header `Original-Tcp-Port` names the port that is
 * dialled. 200 connected, 404 refused, 400 without a usable header. Resolves once the port is bound; 0 lets the system
 * choose one.
 */
export async function startHealthcheck(
  target: string,
  port: number = PORT.healthcheck,
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(`${text}\n`);
    };
    if ((request.url ?? '').split('?')[0] !== '/osm-healthcheck') return answer(404, 'not found');
    const header = request.headers['original-tcp-port'];
    const wanted = typeof header === 'string' && /^\d{1,5}$/.test(header) ? Number(header) : 0;
    if (wanted < 1 || wanted > 65535) return answer(400, 'header Original-Tcp-Port must name a port');
    canConnect(target, wanted, 1000).then((connected) =>
      connected ? answer(200, 'connected') : answer(404, `nothing listens on port ${wanted}`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
