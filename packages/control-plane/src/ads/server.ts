import { randomUUID } from 'node:crypto';
import { Server, type ServerDuplexStream, type ServiceDefinition, status } from '@grpc/grpc-js';
import { RenewableCredentials } from './credentials.ts';
import { peerNames } from './peer.ts';
import { type AdsTransport, createSession, type Session } from './session.ts';
import type { Protocol } from './stream-state.ts';
import type { AdsServer, AdsServerOptions } from './types.ts';

type Call = ServerDuplexStream<Buffer, Uint8Array>;

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

const method = (name: string) => ({
  path: `${SERVICE}/${name}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: (message: Buffer) => message,
  requestDeserialize: (message: Buffer) => message,
  // Responses are encoded already: resources are shared as bytes by all proxies.
  responseSerialize: (message: Uint8Array) => Buffer.from(message.buffer, message.byteOffset, message.byteLength),
  responseDeserialize: (message: Buffer) => message,
});

/** envoy.service.discovery.v3.AggregatedDiscoveryService, with messages as bytes. */
export const AGGREGATED_DISCOVERY = {
  DeltaAggregatedResources: method('DeltaAggregatedResources'),
  StreamAggregatedResources: method('StreamAggregatedResources'),
} as const satisfies ServiceDefinition;

const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  // A proxy needs one; the rest is for the moment of its reconnection.
  'grpc.max_concurrent_streams': 16,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** A stream that has not said who it is by then is let go; ms. */
const FIRST_REQUEST_MS = 30_000;

/** How long proxies are given to hear that the server closes; ms. */
const CLOSE_MS = 1000;

const CODES = {
  refused: status.PERMISSION_DENIED,
  malformed: status.INVALID_ARGUMENT,
  internal: status.INTERNAL,
} as const;

function transportOf(call: Call): AdsTransport {
  return {
    write: (message, done) => {
      call.write(message, done);
    },
    fail: (reason, details) => {
      call.emit('error', Object.assign(new Error(details), { code: CODES[reason], details }));
    },
  };
}

/**
 * Creates the aggregated discovery server (gRPC, mutual TLS), delta and state of the world. `listen` rejects when the
 * address cannot be bound.
 */
export function createAdsServer(options: AdsServerOptions): AdsServer {
  const credentials = new RenewableCredentials(options.certificate);
  const server = new Server(SERVER_OPTIONS);
  const sessions = new Map<string, Session>();
  const calls = new Set<Call>();

  function serve(protocol: Protocol, call: Call): void {
    const names = peerNames(call.getAuthContext()?.sslPeerCertificate);
    const transport = transportOf(call);
    if (names === undefined) {
      transport.fail('refused', 'a client certificate is required');
      return;
    }
    const connectionId = randomUUID();
    const session = createSession({
      protocol,
      peer: { connectionId, ...names },
      transport,
      events: options.events,
      opened: (opened) => sessions.set(connectionId, opened),
    });
    const timer = setTimeout(() => {
      if (session.proxy === undefined) transport.fail('malformed', 'no request came');
    }, FIRST_REQUEST_MS).unref();
    const over = (): void => {
      clearTimeout(timer);
      sessions.delete(connectionId);
      calls.delete(call);
      session.close();
    };
    calls.add(call);
    call.on('data', (message: Buffer) => session.receive(message));
    call.on('end', () => {
      over();
      call.end();
    });
    call.on('cancelled', over);
    call.on('error', over);
    call.on('close', over);
  }

  server.addService(AGGREGATED_DISCOVERY, {
    DeltaAggregatedResources: (call: Call) => serve('delta', call),
    StreamAggregatedResources: (call: Call) => serve('world', call),
  });

  return {
    listen: (address, port) =>
      new Promise((resolve, reject) => {
        const host = address.includes(':') ? `[${address}]` : address;
        server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        });
      }),
    setResources(connectionId, resources) {
      sessions.get(connectionId)?.setResources(resources);
    },
    setCertificate(certificate) {
      credentials.renew(certificate);
    },
    async close() {
      for (const call of [...calls]) {
        call.emit('error', Object.assign(new Error('this replica shuts down'), { code: status.UNAVAILABLE }));
      }
      // Lets the statuses leave before the connections are cut.
      await new Promise<void>((resolve) => {
        const cut = setTimeout(resolve, CLOSE_MS);
        server.tryShutdown(() => {
          clearTimeout(cut);
          resolve();
        });
      });
      server.forceShutdown();
    },
  };
}
