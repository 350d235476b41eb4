import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';

/** A TCP connection into the cluster's network; rejects when it is refused. */
export type Dial = (host: string, port: number, timeoutMs: number) => Promise<Duplex>;

/** Idle connections end after this time, in ms. */
const IDLE_MS = 30_000;

/**
 * Connections to webhooks, kept for the next call. They are TLS over streams into the cluster's network, verified against each
 * webhook's own authorities; Node keeps connections of different names or authorities apart.
 */
export class WebhookConnections {
  readonly agent: Agent;

  constructor() {
    this.agent = new DialingAgent();
  }

  /** Ends every connection. */
  close(): void {
    this.agent.destroy();
  }
}

/** Options of one call that reach the agent with the request. */
export interface DialOptions {
  readonly dial: Dial;
  readonly dialTimeoutMs: number;
}

class DialingAgent extends Agent {
  constructor() {
    super({ keepAlive: true, maxSockets: 32, maxFreeSockets: 4, scheduling: 'lifo', timeout: IDLE_MS });
  }

  override createConnection(
    options: ConnectionOptions & Partial<DialOptions>,
    callback: (error: Error | null, stream?: Duplex) => void,
  ): undefined {
    const { dial, dialTimeoutMs = 0, host = '', port = 443 } = options;
    if (dial === undefined) {
      callback(new Error('no way into the network of the cluster'));
      return undefined;
    }
    dial(host, port, dialTimeoutMs).then(
      (socket) => callback(null, secure(socket, options)),
      (error: Error) => callback(error),
    );
    return undefined;
  }
}

const secure = (socket: Duplex, options: ConnectionOptions): Duplex => {
  const { ca, host, servername } = options;
  return connect({
    socket,
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    // A certificate for an address is checked against the address.
    ...(host === undefined ? {} : { host }),
    ...(servername === undefined ? {} : { servername }),
    ...(ca === undefined ? {} : { ca }),
  });
};
