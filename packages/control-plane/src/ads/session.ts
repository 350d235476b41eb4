import type { TypeUrl } from '@osm/envoy';
import { readDeltaRequest, readWorldRequest, writeDeltaResponse, writeWorldResponse } from './messages.ts';
import { createStreamState, type Protocol, type Push, type StreamRequest, TooManyTypes } from './stream-state.ts';
import type { AdsEvents, ProxyConnection, ResourceSet } from './types.ts';

/** How a session reaches its proxy; gRPC in production. */
export interface AdsTransport {
  /** Sends one message; `done` is called once the transport can take the next. */
  write(message: Uint8Array, done: () => void): void;
  /** Ends the stream because of what the proxy did or is. */
  fail(reason: 'refused' | 'malformed' | 'internal', details: string): void;
}

/** Who is at the other end, as its certificate says. */
export type Peer = Pick<ProxyConnection, 'commonName' | 'uris' | 'connectionId'>;

/** One stream. */
export interface Session {
  /** Undefined until the first request was accepted. */
  readonly proxy: ProxyConnection | undefined;
  receive(message: Uint8Array): void;
  setResources(resources: ResourceSet): void;
  /** The stream is over. */
  close(): void;
}

/** What a session needs. */
export interface SessionOptions {
  readonly protocol: Protocol;
  readonly peer: Peer;
  readonly transport: AdsTransport;
  readonly events: AdsEvents;
  /** Called before the owner hears of the proxy, so that the owner may set its resources at once. */
  readonly opened: (session: Session) => void;
}

/**
 * A proxy that does not ACK clusters for so long gets listeners and routes all the same: one cluster that never warms
 * up must not keep every other change away.
 */
const GATE_MS = 5000;

/**
 * Removals follow this long after the ACK of what replaces them: Envoy ACKs a listener before it has fetched the
 * listener's routes, and until then the former one serves.
 */
const COOLING_MS = 1000;

const requestOf = (protocol: Protocol, message: Uint8Array): StreamRequest & { nodeId: string | undefined } => {
  if (protocol === 'delta') {
    const { subscribe, unsubscribe, ...request } = readDeltaRequest(message);
    return { ...request, change: { subscribe, unsubscribe } };
  }
  const { names, ...request } = readWorldRequest(message);
  return { ...request, change: names, initialVersions: new Map() };
};

/** Creates the session of a stream that was just opened. */
export function createSession(options: SessionOptions): Session {
  const { protocol, transport, events } = options;
  const state = createStreamState(protocol);
  let proxy: ProxyConnection | undefined;
  let closed = false;
  let writing = false;
  let gate: NodeJS.Timeout | undefined;
  let cooling: NodeJS.Timeout | undefined;
  /** What the proxy refused and does not have otherwise either; mostly nothing. */
  const refused = new Map<TypeUrl, ReadonlySet<string>>();

  const encode = (push: Push): Uint8Array =>
    protocol === 'delta' ? writeDeltaResponse(push) : writeWorldResponse(push);

  function pump(): void {
    if (closed || writing) return;
    const push = state.next();
    if (push !== undefined) {
      writing = true;
      // Whatever changes until then is folded into the next response: the newest state wins.
      transport.write(encode(push), () => {
        writing = false;
        pump();
      });
      return;
    }
    gate = wait(gate, state.gated, GATE_MS, () => {
      gate = undefined;
      state.lapse();
    });
    cooling = wait(cooling, state.cooling, COOLING_MS, () => {
      cooling = undefined;
      state.ripen();
    });
  }

  function wait(timer: NodeJS.Timeout | undefined, needed: boolean, ms: number, over: () => void) {
    if (!needed) clearTimeout(timer);
    if (!needed || timer !== undefined) return needed ? timer : undefined;
    const started = setTimeout(() => {
      over();
      pump();
    }, ms);
    started.unref();
    return started;
  }

  function fail(reason: 'refused' | 'malformed' | 'internal', details: string): void {
    transport.fail(reason, details);
    session.close();
  }

  function open(nodeId: string): boolean {
    const opened: ProxyConnection = Object.freeze({ ...options.peer, nodeId });
    options.opened(session);
    try {
      events.connected(opened);
    } catch (error) {
      fail('refused', error instanceof Error ? error.message : String(error));
      return false;
    }
    proxy = opened;
    return true;
  }

  function take(request: StreamRequest, from: ProxyConnection): void {
    const answer = state.hear(request);
    const typeUrl = request.typeUrl as TypeUrl;
    if (answer?.kind === 'acked') events.acked(from, typeUrl, answer.versions);
    if (answer?.kind === 'nacked') {
      events.nacked(from, typeUrl, answer.versions, answer.error);
      refused.set(typeUrl, new Set(state.refused(typeUrl)));
    }
    tellRecovered();
    pump();
  }

  function tellRecovered(): void {
    if (proxy === undefined) return;
    for (const [typeUrl, former] of refused) {
      const now = new Set(state.refused(typeUrl));
      const gone = [...former].filter((name) => !now.has(name));
      if (gone.length === 0) continue;
      if (now.size === 0) refused.delete(typeUrl);
      else refused.set(typeUrl, now);
      events.recovered(proxy, typeUrl, gone);
    }
  }

  const session: Session = {
    get proxy() {
      return proxy;
    },
    receive(message) {
      if (closed) return;
      let request: ReturnType<typeof requestOf>;
      try {
        request = requestOf(protocol, message);
      } catch (error) {
        fail('malformed', error instanceof Error ? error.message : String(error));
        return;
      }
      if (proxy === undefined && !open(request.nodeId ?? '')) return;
      if (proxy === undefined) return;
      try {
        take(request, proxy);
      } catch (error) {
        const reason = error instanceof TooManyTypes ? 'malformed' : 'internal';
        fail(reason, error instanceof Error ? error.message : String(error));
      }
    },
    setResources(resources) {
      state.want(resources);
      tellRecovered();
      pump();
    },
    close() {
      if (closed) return;
      closed = true;
      clearTimeout(gate);
      clearTimeout(cooling);
      if (proxy !== undefined) events.disconnected(proxy);
    },
  };
  return session;
}
