import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Socket } from 'node:net';

/** A request as an application got it: `GET /path`, its headers, and its body. */
export interface Arrival {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** An application that keeps what it gets. */
export interface Recorder {
  readonly port: number;
  /** What has come since it was asked last. */
  take(): readonly Arrival[];
  close(): void;
}

/** The first request in a buffer of HTTP/1.1, read to the letter, and how long it is; undefined until it is whole. */
function firstRequest(text: string): { readonly arrival: Arrival; readonly length: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map(
    (line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const,
  );
  const valueNamed = (name: string): string | undefined => headers.find(([each]) => each.toLowerCase() === name)?.[1];
  const line = first.replace(/ HTTP\/1\.[01]$/, '');
  const from = end + 4;
  if (valueNamed('transfer-encoding') !== undefined) {
    const last = text.indexOf('0\r\n\r\n', from);
    return last < 0 ? undefined : { arrival: { line, headers, body: text.slice(from, last) }, length: last + 5 };
  }
  const length = from + Number(valueNamed('content-length') ?? 0);
  return text.length < length ? undefined : { arrival: { line, headers, body: text.slice(from, length) }, length };
}

/** Starts an application that speaks HTTP/1.1 and HTTP/2, and answers 200. */
export async function startRecorder(): Promise<Recorder> {
  let arrivals: Arrival[] = [];
  const sockets = new Set<Socket>();
  const http2 = createHttp2Server();
  http2.on('sessionError', () => {});
  http2.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
    let body = '';
    stream.on('data', (data) => {
      body += String(data);
    });
    stream.on('end', () => {
      arrivals.push({ line: `${headers[':method']} ${headers[':path']}`, headers: pairs, body });
      stream.respond({ ':status': 200 }, { endStream: true });
    });
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('readable', () => {
      const data: Buffer | null = socket.read();
      if (data === null) return;
      socket.unshift(data);
      if (data.toString('latin1').startsWith('PRI * HTTP/2')) {
        http2.emit('connection', socket);
        return;
      }
      let text = '';
      socket.on('data', (part) => {
        text += part.toString('latin1');
        for (let found = firstRequest(text); found !== undefined; found = firstRequest(text)) {
          text = text.slice(found.length);
          arrivals.push(found.arrival);
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        }
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    take() {
      const taken = arrivals;
      arrivals = [];
      return taken;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
