import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';
import type { ProxyConnection } from '../ads/types.ts';
import { type ProxyIdentity, parseProxyCommonName } from '../identity/names.ts';

/** The pod of a proxy, as far as its admission needs it. */
export interface ProxyPod {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
}

/** A proxy that holds a stream. */
export interface ConnectedProxy {
  readonly connection: ProxyConnection;
  readonly identity: ProxyIdentity;
  /** Undefined while the pod is not known; the last known pod after it was deleted. */
  pod: ProxyPod | undefined;
  /** `waiting`: the pod is not known yet. `accepted`: gets configuration. `refused`: gets none. */
  state: 'waiting' | 'accepted' | 'refused';
  readonly since: Date;
}

/** What decides on connections. */
export interface ConnectionsOptions {
  readonly trustDomain: string;
  readonly podByUuid: (uuid: string) => ProxyPod | undefined;
  /** Streams that may be open at once; 0 is unlimited. */
  readonly maxConnections: () => number;
  /** The proxy may have configuration now. */
  readonly accepted: (proxy: ConnectedProxy) => void;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** How long a stream waits for its pod to be seen; ms. */
  readonly podWaitMs?: number;
}

/** The streams that are open, by connection id. */
export interface Connections {
  /** Throws an Error that tells why a stream is refused. */
  connect(connection: ProxyConnection): void;
  disconnect(connectionId: string): ConnectedProxy | undefined;
  /** A pod with this proxy UUID was seen. */
  podSeen(uuid: string): void;
  get(connectionId: string): ConnectedProxy | undefined;
  readonly all: ReadonlyMap<string, ConnectedProxy>;
  close(): void;
}

const DEFAULT_POD_WAIT_MS = 5000;

/** A refused stream; the message goes to the log and to the peer. */
export class ConnectionRefused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = 'ConnectionRefused';
    this.code = code;
  }
}

function mismatch(identity: ProxyIdentity, pod: ProxyPod): string | undefined {
  if (pod.namespace === identity.namespace && pod.serviceAccount === identity.serviceAccount) return undefined;
  return `the certificate names service account ${identity.namespace}/${identity.serviceAccount}, but Pod ${pod.namespace}/${pod.name} runs as ${pod.namespace}/${pod.serviceAccount}`;
}

/**
 * Keeps the open streams and verifies each against its pod: the certificate's service account must be the pod's.
 * A stream that is faster than the watch on pods waits for its pod a moment, then is taken by its certificate alone.
 */
export function createConnections(options: ConnectionsOptions): Connections {
  const { log, metrics } = options;
  const all = new Map<string, ConnectedProxy>();
  const waiting = new Map<string, Map<string, NodeJS.Timeout>>();
  const seenBefore = new Set<string>();

  const refuse = (code: string, message: string): never => {
    metrics.errors.inc({ err_code: code });
    throw new ConnectionRefused(code, message);
  };
  const accept = (proxy: ConnectedProxy): void => {
    proxy.state = 'accepted';
    options.accepted(proxy);
  };
  const stopWaiting = (proxy: ConnectedProxy): void => {
    const timers = waiting.get(proxy.identity.uuid);
    clearTimeout(timers?.get(proxy.connection.connectionId));
    timers?.delete(proxy.connection.connectionId);
    if (timers?.size === 0) waiting.delete(proxy.identity.uuid);
  };

  return {
    all,
    get: (connectionId) => all.get(connectionId),
    connect(connection) {
      const max = options.maxConnections();
      if (max > 0 && all.size >= max) {
        metrics.connectionsRejected.inc();
        refuse('E5005', `${max} proxies are connected, which is MeshConfig spec.sidecar.maxDataPlaneConnections`);
      }
      const identity =
        parseProxyCommonName(connection.commonName, options.trustDomain) ??
        refuse('E5001', `the certificate's common name ${JSON.stringify(connection.commonName)} names no sidecar`);
      const pod = options.podByUuid(identity.uuid);
      const wrong = pod === undefined ? undefined : mismatch(identity, pod);
      if (wrong !== undefined) refuse('E5010', wrong);
      const proxy: ConnectedProxy = { connection, identity, pod, state: 'waiting', since: new Date() };
      all.set(connection.connectionId, proxy);
      metrics.proxiesConnected.set(all.size);
      if (seenBefore.has(identity.uuid)) metrics.proxyReconnects.inc();
      seenBefore.add(identity.uuid);
      if (pod !== undefined) return accept(proxy);
      const timer = setTimeout(() => {
        stopWaiting(proxy);
        log.warn({ uuid: identity.uuid, error_code: 'E5002' }, 'no pod has this proxy; taken by its certificate alone');
        accept(proxy);
      }, options.podWaitMs ?? DEFAULT_POD_WAIT_MS);
      const timers = waiting.get(identity.uuid) ?? new Map<string, NodeJS.Timeout>();
      waiting.set(identity.uuid, timers.set(connection.connectionId, timer));
    },
    disconnect(connectionId) {
      const proxy = all.get(connectionId);
      if (proxy === undefined) return undefined;
      all.delete(connectionId);
      stopWaiting(proxy);
      metrics.proxiesConnected.set(all.size);
      // A pod that is gone never comes back under this UUID.
      if (options.podByUuid(proxy.identity.uuid) === undefined) seenBefore.delete(proxy.identity.uuid);
      return proxy;
    },
    podSeen(uuid) {
      const pod = options.podByUuid(uuid);
      if (pod === undefined) return;
      for (const connectionId of [...(waiting.get(uuid)?.keys() ?? [])]) {
        const proxy = all.get(connectionId);
        if (proxy === undefined) continue;
        stopWaiting(proxy);
        proxy.pod = pod;
        const wrong = mismatch(proxy.identity, pod);
        if (wrong === undefined) {
          accept(proxy);
        } else {
          proxy.state = 'refused';
          metrics.errors.inc({ err_code: 'E5010' });
          log.error({ uuid, error_code: 'E5010' }, wrong);
        }
      }
    },
    close() {
      for (const proxy of all.values()) stopWaiting(proxy);
      all.clear();
    },
  };
}
