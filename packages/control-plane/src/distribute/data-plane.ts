import { encode } from '@osm/envoy';
import type { KubeObject } from '@osm/kube';
import type { Issuer } from '@osm/pki';
import type { LastAnswer } from '../admin/debug.ts';
import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';
import { createAdsServer } from '../ads/server.ts';
import type { AdsEvents, ProxyConnection, ResourceSet } from '../ads/types.ts';
import { createCertificateStore } from '../identity/certificates.ts';
import { identityKey } from '../identity/names.ts';
import { createServingIdentity } from '../identity/serving.ts';
import { proxyPod } from '../ingest/pods.ts';
import { adsServerName } from '../injector/envoy-bootstrap.ts';
import type { StatusWriter } from '../status/writer.ts';
import { type ConnectedProxy, createConnections } from './connections.ts';
import { createDistributor } from './distributor.ts';
import type { Planner } from './planner.ts';
import { createRefusals, type RefusingProxy } from './refusals.ts';

/** What the data plane is served from. */
export interface DataPlaneOptions {
  readonly issuer: Issuer;
  readonly trustDomain: string;
  readonly osmNamespace: string;
  readonly planner: Planner;
  readonly podByUuid: (uuid: string) => KubeObject | undefined;
  readonly maxConnections: () => number;
  readonly certificateSeconds: () => number;
  /** Tells on pods what their proxies refuse. */
  readonly writer: Pick<StatusWriter, 'event' | 'drop'>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The connected proxies and everything that serves them. */
export interface DataPlane {
  /** Binds the discovery server; returns the port. */
  listen(port: number): Promise<number>;
  /** The planner took a new state. */
  refresh(): void;
  podSeen(uuid: string): void;
  proxies(): Iterable<ConnectedProxy>;
  given(connectionId: string): ResourceSet | undefined;
  answers(connectionId: string): ReadonlyMap<string, LastAnswer> | undefined;
  close(): Promise<void>;
}

/** Wires discovery server, identities, certificates and distribution. */
export async function createDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { issuer, trustDomain, log, metrics } = options;
  const answers = new Map<string, Map<string, LastAnswer>>();

  const certificates = createCertificateStore({
    issuer: {
      name: issuer.name,
      trustBundle: () => issuer.trustBundle(),
      async issue(request) {
        const end = metrics.certificateIssueTime.startTimer();
        const certificate = await issuer.issue(request);
        end();
        metrics.certificatesIssued.inc();
        return certificate;
      },
    },
    trustDomain,
    validitySeconds: options.certificateSeconds,
    rotated: (identity) => distributor.rotated(identity),
    log,
  });
  const connections = createConnections({
    trustDomain,
    podByUuid: (uuid) => {
      const pod = options.podByUuid(uuid);
      return pod === undefined ? undefined : proxyPod(pod);
    },
    maxConnections: options.maxConnections,
    accepted: (proxy) => distributor.add(proxy),
    log,
    metrics,
  });

  const labels = (proxy: ProxyConnection, typeUrl: string) => {
    const identity = connections.get(proxy.connectionId)?.identity;
    return {
      proxy_uuid: identity?.uuid ?? '',
      identity: identity === undefined ? '' : identityKey(identity),
      type: typeUrl,
    };
  };
  const refusals = createRefusals({ writer: options.writer, log, metrics });
  const refusing = ({ connectionId, commonName }: ProxyConnection): RefusingProxy => {
    const uuid = connections.get(connectionId)?.identity.uuid;
    return { connectionId, commonName, pod: uuid === undefined ? undefined : options.podByUuid(uuid) };
  };
  const answered = (proxy: ProxyConnection, typeUrl: string, error: string | undefined): void => {
    metrics.xdsRequests.inc(labels(proxy, typeUrl));
    answers.get(proxy.connectionId)?.set(typeUrl, { at: new Date(), accepted: error === undefined, error });
  };
  const events: AdsEvents = {
    connected(proxy) {
      try {
        connections.connect(proxy);
      } catch (error) {
        log.warn({ common_name: proxy.commonName, error: String(error) }, 'a proxy was refused');
        throw error;
      }
      answers.set(proxy.connectionId, new Map());
      log.debug({ common_name: proxy.commonName }, 'a proxy connected');
    },
    disconnected(proxy) {
      const gone = connections.disconnect(proxy.connectionId);
      distributor.remove(proxy.connectionId);
      refusals.forget(proxy.connectionId);
      answers.delete(proxy.connectionId);
      log.debug({ common_name: proxy.commonName }, 'a proxy disconnected');
      if (gone === undefined) return;
      // Nobody of this identity is left: its certificate need not be renewed.
      const key = identityKey(gone.identity);
      for (const other of connections.all.values()) if (identityKey(other.identity) === key) return;
      certificates.forget(gone.identity);
    },
    acked(proxy, typeUrl) {
      answered(proxy, typeUrl, undefined);
      metrics.responsesSent.inc(labels(proxy, typeUrl));
    },
    nacked(proxy, typeUrl, versions, error) {
      answered(proxy, typeUrl, error);
      metrics.responseErrors.inc(labels(proxy, typeUrl));
      refusals.refused(refusing(proxy), typeUrl, versions, error);
    },
    recovered(proxy, typeUrl, names) {
      refusals.recovered(refusing(proxy), typeUrl, names);
    },
  };

  const name = adsServerName(trustDomain);
  const service = `osm-controller.${options.osmNamespace}.svc`;
  const serving = await createServingIdentity(issuer, [name, service, `${service}.cluster.local`], log, (renewed) =>
    ads.setCertificate(renewed),
  );
  const ads = createAdsServer({ certificate: serving.certificate(), events });
  const distributor = createDistributor({
    planner: options.planner,
    ads,
    certificates,
    encode,
    trustDomain,
    proxies: () => connections.all.values(),
    log,
    metrics,
  });

  return {
    listen: (port) => ads.listen('0.0.0.0', port),
    refresh: () => distributor.refresh(),
    podSeen: (uuid) => connections.podSeen(uuid),
    proxies: () => connections.all.values(),
    given: (connectionId) => distributor.given(connectionId),
    answers: (connectionId) => answers.get(connectionId),
    async close() {
      await ads.close();
      connections.close();
      certificates.close();
      serving.close();
    },
  };
}
