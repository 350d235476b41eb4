import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';

/** Joins two byte streams until both have ended; a fault of one ends the other. What was received is delivered first. */
export function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (to.writableEnded && !to.writableFinished) to.once('finish', () => to.destroy());
      else to.destroy();
    });
    from.pipe(to);
  }
}

/** Listens on an address of the cluster and hands every connection, as bytes, to a unix socket. Rejects when it cannot listen. */
export async function forwardToSocket(host: string, port: number, socketPath: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    join(client, connect({ path: socketPath, allowHalfOpen: true }));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
