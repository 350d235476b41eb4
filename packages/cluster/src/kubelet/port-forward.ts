import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { PodDialer } from './pod-dialer.ts';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';
import { RequestError } from './status-error.ts';

/** The WebSocket subprotocol in which kubectl tunnels SPDY (KEP-4006). */
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
const PROTOCOL = 'portforward.k8s.io';
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A stream whose partner has not come within this time is closed. */
const PAIR_MS = 30_000;

/**
 * The name of the tunnel's subprotocol is not a token of HTTP, so the library refuses it: it is taken off the request and put
 * on the answer here.
 */
const tunnels = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
tunnels.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`));

/** Serves a port-forward upgrade: SPDY in a WebSocket, or SPDY/3.1 itself. Throws {@link RequestError} for anything else. */
export function servePortForward(request: IncomingMessage, socket: Duplex, head: Buffer, dialer: PodDialer): void {
  const upgrade = request.headers.upgrade?.toLowerCase();
  if (upgrade === 'websocket') {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    if (!offered.includes(TUNNEL_PROTOCOL)) {
      throw new RequestError(
        400,
        `port-forward over WebSocket needs the subprotocol ${TUNNEL_PROTOCOL}; offered: ${offered.join(', ') || 'none'}`,
      );
    }
    delete request.headers['sec-websocket-protocol'];
    tunnels.handleUpgrade(request, socket, head, (websocket) =>
      forwardStreams(createWebSocketStream(websocket), dialer),
    );
    return;
  }
  if (upgrade !== 'spdy/3.1') throw new RequestError(400, 'port-forward needs an upgrade to WebSocket or SPDY/3.1');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    `X-Stream-Protocol-Version: ${PROTOCOL}`,
    '',
    '',
  ];
  socket.write(lines.join('\r\n'));
  if (head.length > 0) socket.unshift(head);
  forwardStreams(socket, dialer);
}

/**
 * Pairs the client's streams by request id: one for data, one for an error message, both with the same port. An error ends
 * only its own connection.
 */
export function forwardStreams(transport: Duplex, dialer: PodDialer): void {
  const waiting = new Map<string, { stream: SpdyStream; timer: NodeJS.Timeout }>();
  new SpdyConnection(transport, (stream) => {
    const type = stream.headers.get('streamtype');
    const port = Number(stream.headers.get('port'));
    if ((type !== 'data' && type !== 'error') || !Number.isInteger(port) || port < 1 || port > 65535) {
      stream.destroy();
      return;
    }
    // Old clients send no request id; there the streams of one port follow each other.
    const key = stream.headers.get('requestid') ?? `port-${port}`;
    const partner = waiting.get(key);
    if (!partner || partner.stream.headers.get('streamtype') === type) {
      const timer = setTimeout(() => {
        waiting.delete(key);
        stream.destroy();
      }, PAIR_MS);
      timer.unref();
      waiting.set(key, { stream, timer });
      return;
    }
    clearTimeout(partner.timer);
    waiting.delete(key);
    const [data, error] = type === 'data' ? [stream, partner.stream] : [partner.stream, stream];
    void forwardOne(dialer, port, data, error);
  });
}

async function forwardOne(dialer: PodDialer, port: number, data: SpdyStream, error: SpdyStream): Promise<void> {
  error.resume();
  let socket: Awaited<ReturnType<PodDialer['connect']>>;
  try {
    socket = await dialer.connect(port);
  } catch (cause) {
    error.end(`cannot connect to port ${port} in the pod: ${cause instanceof Error ? cause.message : String(cause)}`);
    data.resume();
    data.end();
    return;
  }
  socket.on('error', () => data.destroy());
  data.once('close', () => socket.destroy());
  data.pipe(socket);
  socket.pipe(data);
  data.once('finish', () => error.end());
  socket.once('close', () => {
    error.end();
    if (!data.readableEnded) data.destroy();
  });
}
