import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { WebSocketServer } from 'ws';
import { serveGrpc } from './grpc.ts';

/** Where a server listens, and what it calls itself in its answers. */
export interface Listening {
  readonly name: string;
  readonly port: number;
  readonly address: string;
}

const listen = (server: Server, { port, address }: Listening): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve());
  });

/** Answers with what arrived: who answers, and the request as the application saw it. `/status/503` answers with 503. */
function answer(listening: Listening, encrypted: boolean) {
  return (request: Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'httpVersion'>, response: ServerResponse) => {
    const status = Number(/^\/status\/(\d{3})/.exec(request.url ?? '')?.[1] ?? 200);
    response.writeHead(status, { 'content-type': 'application/json', 'x-served-by': listening.name });
    const { method, url, headers, httpVersion } = request;
    const { name, port } = listening;
    response.end(JSON.stringify({ name, port, method, path: url, headers, version: httpVersion, encrypted }));
  };
}

/** Key and certificate of an application that speaks TLS itself. */
const material = () => {
  const directory = process.env.TLS_DIRECTORY ?? '/etc/tls';
  return { key: readFileSync(`${directory}/tls.key`), cert: readFileSync(`${directory}/tls.crt`) };
};

async function serveHttp(listening: Listening): Promise<void> {
  const server = createHttpServer(answer(listening, false));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(`${listening.name}: ${data}`));
  });
  await listen(server, listening);
}

async function serveHttp2(listening: Listening): Promise<void> {
  const server = createHttp2Server((request, response) => {
    answer(listening, false)(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
  await listen(server as unknown as Server, listening);
}

/** Echoes each chunk behind its own name. */
const echo = (name: string) => (socket: import('node:net').Socket) => {
  socket.on('error', () => {});
  socket.on('data', (data) => socket.write(`${name}: ${data}`));
};

/** What an application can serve, by the word that asks for it. */
export const SERVERS: Readonly<Record<string, (listening: Listening) => Promise<void>>> = {
  http: serveHttp,
  h2c: serveHttp2,
  grpc: serveGrpc,
  https: (listening) => listen(createHttpsServer(material(), answer(listening, true)), listening),
  tls: (listening) => listen(createTlsServer(material(), echo(listening.name)), listening),
  tcp: (listening) => listen(createTcpServer(echo(listening.name)), listening),
  'tcp-server-first': (listening) =>
    listen(
      createTcpServer((socket) => {
        socket.write(`welcome to ${listening.name}\n`);
        echo(listening.name)(socket);
      }),
      listening,
    ),
};

/** The server that a word asks for. */
export const serverNamed = (word: string): ((listening: Listening) => Promise<void>) | undefined => SERVERS[word];
