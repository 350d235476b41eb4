import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { REACHED, type Reached, TCP_ANSWER } from './applications.ts';

/** Callers that say where they are going by a PROXY protocol header, and look at what becomes of it. */

/** What a caller saw. */
export interface Seen {
  /** Where the call arrived; undefined when it did not. */
  readonly place?: string;
  /** Path with which a request arrived. */
  readonly path?: string;
  /** Status of an HTTP answer. */
  readonly status?: number;
  /** The beginning of an answer that is not an application's, or how the connection ended. */
  readonly text: string;
}

/** Where a connection is made, and what is said before anything else. */
export interface Line {
  readonly to: readonly [address: string, port: number];
  readonly from?: string;
  readonly header: string;
}

const TIMEOUT_MS = 2000;

function dial({ to: [host, port], from, header }: Line): Socket {
  const socket = connect({ host, port, ...(from !== undefined && { localAddress: from }) });
  socket.setNoDelay(true);
  if (header !== '') socket.write(header);
  return socket;
}

function answered(status: number, header: string | undefined, text: string): Seen {
  const found = header === undefined ? undefined : (JSON.parse(header) as Reached);
  return { status, text: text.slice(0, 200), ...(found && { place: found.place, path: found.path }) };
}

/** Says something, or waits, until an answer has come or the connection ends. */
export function sayBytes(line: Line, bytes: string | Buffer | undefined): Promise<Seen> {
  return new Promise((resolve) => {
    const socket = dial(line);
    let heard = '';
    const end = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      const place = heard.startsWith(TCP_ANSWER) ? heard.slice(TCP_ANSWER.length).trim() : undefined;
      resolve({ text: heard === '' ? why : heard.slice(0, 200), ...(place !== undefined && { place }) });
    };
    const timer = setTimeout(() => end('timeout'), TIMEOUT_MS);
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed'));
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      if (heard.includes('\n')) end('');
    });
    if (bytes !== undefined) socket.write(bytes);
  });
}

/** An answer over HTTP/1.1 whose connection is closed after it. */
function readAnswer(text: string): Seen {
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
  const header = text.split('\r\n').find((line) => line.startsWith(`${REACHED}: `));
  if (text.startsWith(TCP_ANSWER)) return { text, place: text.slice(TCP_ANSWER.length).trim() };
  return status === 0 ? { text } : answered(status, header?.slice(REACHED.length + 2), text);
}

/** One request of HTTP/1.1, given as bytes; the connection is to be closed after it. */
export function sayHttp1(line: Line, bytes: string | Buffer): Promise<Seen> {
  return new Promise((resolve) => {
    const socket = dial(line);
    let heard = '';
    const end = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(heard === '' ? { text: why } : readAnswer(heard));
    };
    const timer = setTimeout(() => end('timeout'), TIMEOUT_MS);
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed'));
    socket.on('end', () => end('closed'));
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      if (heard.includes('\r\n\r\n')) end('');
    });
    socket.write(bytes);
  });
}

/** One request of HTTP/2 with prior knowledge. */
export function sayHttp2(line: Line, headers: Readonly<Record<string, string>>): Promise<Seen> {
  return new Promise((resolve) => {
    const session = connectHttp2('http://mesh', { createConnection: () => dial(line) });
    let status = 0;
    let body = '';
    let header: string | undefined;
    const end = (why: string): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(status === 0 ? { text: why } : answered(status, header, body));
    };
    const timer = setTimeout(() => end('timeout'), TIMEOUT_MS);
    session.on('error', (error) => end(error.message));
    session.on('close', () => end('closed'));
    const stream = session.request({ ...headers }, { endStream: true });
    stream.on('error', (error) => end(error.message));
    stream.on('response', (answer) => {
      status = Number(answer[':status']);
      header = answer[REACHED]?.toString();
    });
    stream.on('data', (data) => {
      body += String(data);
    });
    stream.on('end', () => end('ended'));
  });
}

const hellos = new Map<string, Promise<Buffer>>();

/** What a TLS client says first for a server name. */
export function clientHello(servername: string): Promise<Buffer> {
  const known = hellos.get(servername);
  if (known !== undefined) return known;
  const made = new Promise<Buffer>((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
        setImmediate(() => socket.destroy());
      },
    });
    const socket = connectTls({ socket: wire, servername });
    socket.on('error', () => {});
  });
  hellos.set(servername, made);
  return made;
}
