import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { RequestError } from './status-error.ts';

/** Channels of the remote command protocol (kubelet `v4.channel.k8s.io`, with close signals `v5.channel.k8s.io`). */
const CHANNEL = Object.freeze({ stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 });
/** Subprotocols served, the preferred first. */
export const COMMAND_PROTOCOLS = Object.freeze(['v5.channel.k8s.io', 'v4.channel.k8s.io']);

/** Which streams the client wants. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The far side: a process or a container's own streams. */
export interface RemoteCommand {
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Takes input; false asks to wait for {@link onDrain}. */
  write(data: Buffer): boolean;
  onDrain(listener: () => void): void;
  endInput(): void;
  resize(size: { readonly width: number; readonly height: number }): void;
  /** Exit code of the command; undefined when there is none to tell (attach that was let go). Rejects when it could not run. */
  readonly result: Promise<number | undefined>;
  /** The client has gone. */
  abandon(): void;
}

/** Reads `stdin`, `stdout`, `stderr` and `tty` of a query. Throws {@link RequestError} when no stream is wanted. */
export function parseStreamOptions(query: URLSearchParams): StreamOptions {
  const flag = (name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');
  const tty = flag('tty');
  const options = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr') && !tty, tty };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new RequestError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return options;
}

/** Serves an exec or attach upgrade. Throws {@link RequestError} when the client does not speak the protocol. */
export function serveRemoteCommand(
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: StreamOptions,
  begin: () => RemoteCommand,
): void {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || !COMMAND_PROTOCOLS.some((p) => offered.includes(p))) {
    throw new RequestError(
      400,
      `exec and attach are served over WebSocket only, with one of the subprotocols ${COMMAND_PROTOCOLS.join(', ')}`,
    );
  }
  server.handleUpgrade(request, socket, head, (websocket) => void run(websocket, options, begin()));
}

async function run(websocket: WebSocket, options: StreamOptions, command: RemoteCommand): Promise<void> {
  const send = (channel: number, data: Buffer | string, sent?: () => void): void => {
    if (websocket.readyState !== websocket.OPEN) sent?.();
    else websocket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]), () => sent?.());
  };
  websocket.on('error', () => websocket.terminate());
  websocket.on('close', () => command.abandon());
  command.onDrain(() => websocket.resume());
  websocket.on('message', (message: Buffer) => {
    const data = message.subarray(1);
    switch (message[0]) {
      case CHANNEL.stdin:
        if (options.stdin && data.length > 0 && !command.write(data)) websocket.pause();
        return;
      case CHANNEL.resize:
        takeSize(data, command);
        return;
      case CHANNEL.close:
        if (data[0] === CHANNEL.stdin) command.endInput();
        return;
    }
  });
  // An empty message tells the client that the streams are up.
  send(options.stdout ? CHANNEL.stdout : options.stderr ? CHANNEL.stderr : CHANNEL.error, '');
  const drained = [
    pump(options.stdout ? command.stdout : undefined, (data, sent) => send(CHANNEL.stdout, data, sent)),
    pump(options.stderr ? command.stderr : undefined, (data, sent) => send(CHANNEL.stderr, data, sent)),
  ];
  const status = await command.result.then(exitStatus, failureStatus);
  await Promise.all(drained);
  send(CHANNEL.error, JSON.stringify(status));
  websocket.close(1000);
}

/** Sends what a stream gives, one piece at a time, so that a slow client slows the command down. */
async function pump(stream: Readable | undefined, send: (data: Buffer, sent: () => void) => void): Promise<void> {
  if (!stream) return;
  try {
    for await (const data of stream as AsyncIterable<Buffer>) await new Promise<void>((sent) => send(data, sent));
  } catch {
    // A stream that breaks off has ended as far as the client is concerned.
  }
}

function takeSize(data: Buffer, command: RemoteCommand): void {
  try {
    const size = JSON.parse(data.toString('utf8')) as { Width?: unknown; Height?: unknown };
    const valid = (n: unknown): n is number => Number.isInteger(n) && (n as number) > 0 && (n as number) < 10_000;
    if (valid(size.Width) && valid(size.Height)) command.resize({ width: size.Width, height: size.Height });
  } catch {
    // Not a size: nothing to resize to.
  }
}

function exitStatus(code: number | undefined): object {
  if (code === undefined || code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

function failureStatus(error: unknown): object {
  const message = error instanceof Error ? error.message : String(error);
  return {
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    code: 500,
    details: { causes: [{ message }] },
  };
}
