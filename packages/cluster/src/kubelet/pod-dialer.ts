import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const RELAY = fileURLToPath(new URL('./dial-relay.ts', import.meta.url));
const IDLE_MS = 30_000;
const TIMEOUT_MS = 10_000;

/** What the relay answers: the connected socket comes with it as a handle. */
export interface DialAnswer {
  readonly id: number;
  readonly error?: string;
}

/**
 * Makes TCP connections to 127.0.0.1 inside a pod's network namespace. A small process enters the namespace, connects there
 * and hands the connected socket over, so that no byte of the stream passes through it. It is started at the first connection
 * and ends when none has been asked for some time.
 */
export class PodDialer {
  private readonly netns: string | undefined;
  private relay: ChildProcess | undefined;
  private nextId = 1;
  private readonly waiting = new Map<number, { resolve(socket: Socket): void; reject(error: Error): void }>();
  private idle: NodeJS.Timeout | undefined;

  /** `netns` undefined connects in the node's own namespace (hostNetwork). */
  constructor(netns: string | undefined) {
    this.netns = netns;
  }

  /** Connects; the socket is paused. Rejects with the reason, such as a refused connection. */
  connect(port: number): Promise<Socket> {
    if (this.netns === undefined) return connectHere(port);
    this.relay ??= this.start(this.netns);
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.close(), IDLE_MS);
    this.idle.unref();
    const id = this.nextId++;
    return new Promise<Socket>((resolve, reject) => {
      const timer = setTimeout(
        () => this.settle(id, new Error(`no answer from port ${port} within ${TIMEOUT_MS / 1000} s`)),
        TIMEOUT_MS,
      );
      this.waiting.set(id, {
        resolve: (socket) => {
          clearTimeout(timer);
          resolve(socket);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.relay?.send({ id, port }, (error) => {
        if (error) this.settle(id, error);
      });
    });
  }

  /** Ends the relay; connections made stay. */
  close(): void {
    clearTimeout(this.idle);
    this.relay?.kill('SIGKILL');
    this.relay = undefined;
  }

  private start(netns: string): ChildProcess {
    const relay = spawn('nsenter', [`--net=${netns}`, '--', process.execPath, RELAY], {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    relay.on('message', (answer: DialAnswer, handle) => {
      if (handle) this.settle(answer.id, handle as Socket);
      else this.settle(answer.id, new Error(answer.error ?? 'the connection was lost'));
    });
    const ended = (): void => {
      if (this.relay === relay) this.relay = undefined;
      for (const id of [...this.waiting.keys()]) this.settle(id, new Error("the pod's network is gone"));
    };
    relay.once('error', ended);
    relay.once('exit', ended);
    return relay;
  }

  private settle(id: number, result: Socket | Error): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (result instanceof Error) waiting?.reject(result);
    else if (waiting) waiting.resolve(result);
    else result.destroy();
  }
}

/** One connection to a local port, not yet read from. */
export function connectHere(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    // What the server says first must be read by the one who gets the socket.
    socket.pause();
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
