import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';

/**
 * Applications that speak HTTP/1.1, HTTP/2 and plain TCP on one port, and say under which name they were reached.
 */

/** Header in which applications answer HTTP, as JSON: answers to HEAD have no body. */
export const REACHED = 'x-reached';

/** What stands there. */
export interface Reached {
  readonly place: string;
  readonly method: string;
  readonly path: string;
}

/** How each answer over plain TCP begins; the place and a line feed follow. */
export const TCP_ANSWER = 'reached ';

const PREFACE = Buffer.from('PRI * HTTP/2.0');

/** Running applications. */
export interface Applications {
  /** Listens on an address; `port` 0 takes a free one. Gives the port. */
  listen(address: string, port: number, first: boolean, placeOf: (socket: Socket) => string): Promise<number>;
  close(): void;
}

/** Applications on however many addresses. */
export function createApplications(): Applications {
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const places = new WeakMap<Socket, string>();
  const handle = (place: string, method: string, path: string): string =>
    JSON.stringify({ place, method, path } satisfies Reached);
  const http1 = createHttpServer((asked: IncomingMessage, response: ServerResponse) => {
    response.setHeader(REACHED, handle(places.get(asked.socket) ?? '', asked.method ?? '', asked.url ?? ''));
    response.end();
  });
  const http2 = createHttp2Server();
  http2.on('stream', (stream: ServerHttp2Stream, headers) => {
    const socket = stream.session?.socket;
    const place = socket === undefined ? '' : (remembered.get(`${socket.remoteAddress}:${socket.remotePort}`) ?? '');
    stream.on('error', () => {});
    stream.respond(
      { ':status': 200, [REACHED]: handle(place, String(headers[':method']), String(headers[':path'])) },
      { endStream: true },
    );
  });
  http2.on('sessionError', () => {});
  // HTTP/2 shows its socket as another object.
  const remembered = new Map<string, string>();
  const accept = (socket: Socket, first: boolean, place: string): void => {
    sockets.add(socket);
    const name = `${socket.remoteAddress}:${socket.remotePort}`;
    places.set(socket, place);
    remembered.set(name, place);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      remembered.delete(name);
    });
    if (first) {
      socket.write(`${TCP_ANSWER}${place}\n`);
      return;
    }
    socket.once('readable', () => {
      const data: Buffer | null = socket.read();
      if (data === null) return;
      socket.unshift(data);
      if (data.subarray(0, PREFACE.length).equals(PREFACE)) http2.emit('connection', socket);
      else if (/^[A-Z]+ /.test(data.toString('latin1'))) http1.emit('connection', socket);
      else socket.end(`${TCP_ANSWER}${place}\n`);
    });
  };
  return {
    async listen(address, port, first, placeOf) {
      const server = createServer((socket) => accept(socket, first, placeOf(socket)));
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, address, 1024, resolve);
      });
      const bound = server.address();
      if (typeof bound !== 'object' || bound === null) throw new Error('no port');
      return bound.port;
    },
    close() {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
