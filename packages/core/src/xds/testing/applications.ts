import { createServer, type IncomingMessage, request } from 'node:http';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { TEST_CERTIFICATES, TEST_ROOT } from './certificates.ts';
import type { Address } from './envoy.ts';

/** Applications and their clients, for tests with real proxies. */

async function serve(t: TestContext, server: Server, address: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('no port');
  return bound.port;
}

/** What an HTTP application says it was asked. */
export interface Echo {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An HTTP application that answers with what it was asked, and takes WebSockets; its port. */
export function httpApplication(t: TestContext, name: string): Promise<number> {
  const server = createServer((asked, response) => {
    response.setHeader('server', name);
    response.end(JSON.stringify({ name, method: asked.method, url: asked.url, headers: asked.headers }));
  });
  server.on('upgrade', (_asked, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (data: Buffer) => socket.write(data));
  });
  return serve(t, server, '127.0.0.1');
}

/** An application that does as it is told, and how often it was asked. */
export interface Obedient {
  readonly port: number;
  asked(): number;
}

/** An HTTP application that answers `/status/N` with that status, everything else with 200 and its name, `/wait/MS` late. */
export async function obedientApplication(t: TestContext, name: string, status = 200): Promise<Obedient> {
  let count = 0;
  const server = createServer((asked, response) => {
    count++;
    const [, verb, value] = (asked.url ?? '').split('/');
    const timer = setTimeout(
      () => {
        response.statusCode = verb === 'status' ? Number(value) : status;
        response.end(name);
      },
      verb === 'wait' ? Number(value) : 0,
    );
    response.on('close', () => clearTimeout(timer));
  });
  return { port: await serve(t, server, '127.0.0.1'), asked: () => count };
}

/** A TCP application that says its name and then what it hears; with `first` it does not wait to be spoken to. */
export function tcpApplication(t: TestContext, name: string, first: boolean): Promise<number> {
  const server = createTcpServer((socket) => {
    if (first) socket.write(`${name}:`);
    socket.once('data', () => {
      if (!first) socket.write(`${name}:`);
    });
    socket.on('data', (data) => socket.write(data));
  });
  return serve(t, server, '127.0.0.1');
}

/** A response as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Makes one request on a connection of its own. */
export function ask(
  [host, port]: Address,
  path = '/',
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly localAddress?: string;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host, port, path, agent: false, ...options, headers: { ...options.headers } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

/** What an application of {@link httpApplication} was asked. */
export const echoOf = (answer: Answer): Echo => JSON.parse(answer.body) as Echo;

/** What comes over a connection until the peer closes it, or `enough` has come. Errors are an end too. */
function hear(
  socket: Socket | TLSSocket,
  say: string | Buffer | undefined,
  enough: string | undefined,
): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const end = (): void => {
      socket.destroy();
      resolve(heard);
    };
    socket.on('error', end);
    socket.on('close', end);
    socket.on('end', end);
    socket.on('data', (data) => {
      heard += String(data);
      if (enough !== undefined && heard.includes(enough)) end();
    });
    if (say !== undefined) socket.write(say);
  });
}

/** Says something over TCP; the answer up to the end of the connection, or to where it holds `enough`. */
export const tell = ([host, port]: Address, say: string | Buffer | undefined, enough?: string): Promise<string> =>
  hear(connect(port, host), say, enough);

/** Like {@link tell}, over TLS as a workload with a test certificate, or as nobody. */
export function tellTls(
  [host, port]: Address,
  as: { readonly workload?: string; readonly servername: string; readonly alpn: string },
  say: string | Buffer | undefined,
  enough?: string,
): Promise<string> {
  const own = as.workload === undefined ? undefined : TEST_CERTIFICATES[as.workload];
  const socket = connectTls({
    host,
    port,
    ca: TEST_ROOT,
    servername: as.servername,
    ALPNProtocols: [as.alpn],
    checkServerIdentity: () => undefined,
    ...(own === undefined ? {} : { cert: own.chainPem, key: own.keyPem }),
  });
  return hear(socket, say, enough);
}
