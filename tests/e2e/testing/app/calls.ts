import { createServer, request as httpRequest } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { callGrpc } from './grpc.ts';

/** A call that a test asks an application to make. */
export type Call =
  | { readonly call: 'http'; readonly url: string; readonly method?: string; readonly headers?: Record<string, string> }
  | { readonly call: 'h2c'; readonly url: string; readonly headers?: Record<string, string> }
  | { readonly call: 'grpc'; readonly target: string; readonly words: readonly string[]; readonly stream?: boolean }
  | { readonly call: 'websocket'; readonly url: string; readonly words: readonly string[] }
  | { readonly call: 'tcp'; readonly host: string; readonly port: number; readonly say?: string; readonly tls?: string }
  | { readonly call: 'load'; readonly url: string; readonly parallel?: number }
  | { readonly call: 'loaded' };

/** What came of a call; `error` tells that nothing did. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly answers?: readonly string[];
  /** How often each server answered under load, and what went wrong how often. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly error?: string;
}

/** Nothing in a test's cluster takes longer. */
const PATIENCE_MS = 10_000;

function http({ url, method = 'GET', headers = {} }: Extract<Call, { call: 'http' }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const options = { method, headers, agent: false as const, timeout: PATIENCE_MS, rejectUnauthorized: false };
    const request = send(url, options, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.once('error', reject);
      response.once('end', () => {
        const named = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(named), body });
      });
    });
    request.once('timeout', () => request.destroy(new Error('timeout')));
    request.once('error', reject);
    request.end();
  });
}

function h2c({ url, headers = {} }: Extract<Call, { call: 'h2c' }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { origin, pathname } = new URL(url);
    const session = http2Connect(origin);
    session.once('error', reject);
    session.setTimeout(PATIENCE_MS, () => session.destroy(new Error('timeout')));
    const stream = session.request({ ':path': pathname, ...headers });
    let status = 0;
    let body = '';
    stream.once('error', reject);
    stream.once('response', (all) => {
      status = Number(all[':status']);
    });
    stream.on('data', (data) => {
      body += data;
    });
    stream.once('end', () => {
      session.close();
      resolve({ status, body });
    });
    stream.end();
  });
}

function websocket({ url, words }: Extract<Call, { call: 'websocket' }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const answers: string[] = [];
    socket.onerror = () => reject(new Error('refused'));
    socket.onclose = () => reject(new Error('closed'));
    socket.onopen = () => {
      for (const word of words) socket.send(word);
    };
    socket.onmessage = ({ data }) => {
      if (answers.push(String(data)) < words.length) return;
      socket.close();
      resolve({ answers });
    };
  });
}

/** Reads what the server says; what is to be said is said at once, or not at all. */
function tcp({ host, port, say, tls }: Extract<Call, { call: 'tcp' }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket: Socket =
      tls === undefined
        ? tcpConnect(port, host)
        : tlsConnect({ host, port, servername: tls, rejectUnauthorized: false });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('timeout')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    if (say !== undefined) socket.once(tls === undefined ? 'connect' : 'secureConnect', () => socket.write(say));
    socket.once('data', (data) => {
      resolve({ body: String(data) });
      socket.destroy();
    });
  });
}

interface Load {
  readonly counts: Record<string, number>;
  readonly workers: Promise<void>[];
  going: boolean;
}
let load: Load | undefined;

/** Calls without a pause until it is asked what came of it. */
function startLoad({ url, parallel = 4 }: Extract<Call, { call: 'load' }>): Answer {
  const own: Load = { counts: {}, workers: [], going: true };
  const count = (what: string): void => {
    own.counts[what] = (own.counts[what] ?? 0) + 1;
  };
  const work = async (): Promise<void> => {
    while (own.going) {
      const answer = await http({ call: 'http', url }).catch((error: Error): Answer => ({ error: error.message }));
      count(answer.status === 200 ? (answer.headers?.['x-served-by'] ?? '') : `${answer.error ?? answer.status}`);
    }
  };
  own.workers.push(...Array.from({ length: parallel }, work));
  load = own;
  return {};
}

async function endLoad(): Promise<Answer> {
  if (load === undefined) throw new Error('nothing is being loaded');
  load.going = false;
  await Promise.all(load.workers);
  return { counts: load.counts };
}

async function make(call: Call): Promise<Answer> {
  switch (call.call) {
    case 'http':
      return http(call);
    case 'h2c':
      return h2c(call);
    case 'grpc':
      return { answers: await callGrpc(call.target, call.words, call.stream === true) };
    case 'websocket':
      return websocket(call);
    case 'tcp':
      return tcp(call);
    case 'load':
      return startLoad(call);
    case 'loaded':
      return endLoad();
  }
}

/** Makes the calls that are posted to it. It listens on the loopback address, where tests come by port forwarding. */
export async function serveCalls(port: number): Promise<void> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', async () => {
      const answer = await make(JSON.parse(body) as Call).catch((error: Error): Answer => ({ error: error.message }));
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
}
