import type { MeshObjects } from '@osm/core';
import { type EncodedResource, encode, type Resource } from '@osm/envoy';
import type { Certificate } from '@osm/pki';
import { createMetrics } from '../admin/metrics.ts';
import { createStreamState, type StreamState } from '../ads/stream-state.ts';
import type { ResourceSet } from '../ads/types.ts';
import type { CertificateStore } from '../identity/certificates.ts';
import { identityKey } from '../identity/names.ts';
import { silentLog } from '../testing.ts';
import type { ConnectedProxy } from './connections.ts';
import { createCorePlanner } from './core-planner.ts';
import { createDistributor } from './distributor.ts';
import type { PlannedProxy } from './planner.ts';

/** Planner, distributor and one stream state per proxy, without network and keys. */
export interface Distribution {
  /** Takes a new state of the world and brings it to every stream. */
  update(objects: MeshObjects): void;
  /** What each stream was given last. */
  readonly sets: ReadonlyMap<string, ResourceSet>;
  readonly streams: ReadonlyMap<string, StreamState>;
  /** Resources encoded so far. */
  encoded(): number;
  /** Types that the streams follow, by wildcard. */
  subscribe(typeUrls: readonly string[]): void;
  /** Sends and acknowledges everything that is due on every stream; counts resources. */
  settle(): number;
}

const certificateOf = (key: string): Certificate => ({
  chainPem: `chain of ${key}`,
  keyPem: `key of ${key}`,
  trustPem: 'roots',
  serial: '1',
  notBefore: new Date(0),
  notAfter: new Date(0),
});

/** Connects the proxies; each has its certificate already. */
export async function createDistribution(proxies: readonly PlannedProxy[]): Promise<Distribution> {
  let encodings = 0;
  const sets = new Map<string, ResourceSet>();
  const streams = new Map(proxies.map(({ uuid }) => [uuid, createStreamState('delta')]));
  const issued = new Map(proxies.map(({ identity }) => [identityKey(identity), certificateOf(identityKey(identity))]));
  const certificates: CertificateStore = {
    obtain: async (identity) => issued.get(identityKey(identity)) ?? certificateOf(identityKey(identity)),
    current: (identity) => issued.get(identityKey(identity)),
    forget: () => {},
    trustBundle: () => 'roots',
    close: () => {},
  };
  const connected = proxies.map(
    ({ uuid, identity, pod }): ConnectedProxy => ({
      connection: { connectionId: uuid, nodeId: uuid, commonName: uuid, uris: [] },
      identity: { uuid, ...identity },
      pod,
      state: 'accepted',
      since: new Date(0),
    }),
  );
  const planner = createCorePlanner();
  const distributor = createDistributor({
    planner,
    ads: {
      setResources(id, set) {
        sets.set(id, set);
        streams.get(id)?.want(set);
      },
    },
    certificates,
    encode(resource: Resource): EncodedResource {
      encodings++;
      return encode(resource);
    },
    trustDomain: 'cluster.local',
    proxies: () => connected,
    log: silentLog,
    metrics: createMetrics(),
  });
  return {
    sets,
    streams,
    encoded: () => encodings,
    update(objects) {
      planner.update(objects);
      distributor.refresh();
    },
    subscribe(typeUrls) {
      for (const stream of streams.values()) {
        for (const typeUrl of typeUrls) {
          const change = { subscribe: ['*'], unsubscribe: [] };
          stream.hear({ typeUrl, change, initialVersions: new Map(), nonce: '', error: undefined });
        }
      }
    },
    settle() {
      let sent = 0;
      for (const stream of streams.values()) {
        for (let push = stream.next(); push !== undefined; push = stream.next()) {
          sent += push.resources.length;
          const change = { subscribe: [], unsubscribe: [] };
          const { typeUrl, nonce } = push;
          stream.hear({ typeUrl, change, initialVersions: new Map(), nonce, error: undefined });
        }
      }
      return sent;
    },
  };
}
