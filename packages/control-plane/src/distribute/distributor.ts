import { type EncodedResource, type Resource, TYPE_URL, type TypeUrl } from '@osm/envoy';
import type { Certificate } from '@osm/pki';
import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';
import { changedNames, type Resources } from '../ads/difference.ts';
import { layResources } from '../ads/layers.ts';
import type { AdsServer, ResourceSet } from '../ads/types.ts';
import type { CertificateStore } from '../identity/certificates.ts';
import { identityKey, type ServiceIdentity } from '../identity/names.ts';
import type { ConnectedProxy } from './connections.ts';
import { createEncodings } from './encodings.ts';
import type { Planner, ProxyConfiguration } from './planner.ts';

/** What the distributor connects. */
export interface DistributorOptions {
  readonly planner: Planner;
  readonly ads: Pick<AdsServer, 'setResources'>;
  readonly certificates: CertificateStore;
  readonly encode: (resource: Resource) => EncodedResource;
  readonly trustDomain: string;
  readonly proxies: () => Iterable<ConnectedProxy>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Brings every accepted proxy's configuration to the ADS server. */
export interface Distributor {
  /** The world changed: every proxy's configuration is looked at again. */
  refresh(): void;
  /** A proxy was accepted. */
  add(proxy: ConnectedProxy): void;
  remove(connectionId: string): void;
  /** An identity's certificate was renewed. */
  rotated(identity: ServiceIdentity): void;
  /** What a connection was last given. */
  given(connectionId: string): ResourceSet | undefined;
}

/** What a set of resources was assembled from; equal sources give the very same set. */
interface Assembly {
  readonly certificate: Certificate;
  readonly trust: string;
  readonly set: ResourceSet;
}

const RETRY_MS = 1000;

/** Keeps the maps of types that did not change, and the former set when none did. */
function keepEqual(next: ResourceSet, former: ResourceSet | undefined): ResourceSet {
  if (former === undefined) return next;
  let changed = next.size !== former.size;
  const kept = new Map<TypeUrl, Resources>();
  for (const [typeUrl, resources] of next) {
    const old = former.get(typeUrl);
    const same = old !== undefined && changedNames(old, resources).length === 0;
    if (!same) changed = true;
    kept.set(typeUrl, same ? old : resources);
  }
  return changed ? kept : former;
}

/**
 * Creates a distributor. Work is shared: proxies alike get the same set, all proxies share the layers that they have in
 * common, and a resource is encoded once.
 */
export function createDistributor(options: DistributorOptions): Distributor {
  const { planner, ads, certificates, metrics, log } = options;
  const encodings = createEncodings(options.encode, options.trustDomain);
  const assemblies = new WeakMap<ProxyConfiguration, Map<string, Assembly>>();
  const given = new Map<string, ResourceSet>();

  function assemble(
    configuration: ProxyConfiguration,
    identity: ServiceIdentity,
    certificate: Certificate,
    former: ResourceSet | undefined,
  ): ResourceSet {
    const key = identityKey(identity);
    const trust = certificates.trustBundle();
    const byIdentity = assemblies.get(configuration) ?? new Map<string, Assembly>();
    assemblies.set(configuration, byIdentity);
    const known = byIdentity.get(key);
    if (known?.certificate === certificate && known.trust === trust) return known.set;
    const types = new Map<TypeUrl, Resources>();
    for (const [typeUrl, layers] of configuration.resources) {
      types.set(typeUrl, layResources(layers.map(encodings.resources)));
    }
    const secrets = [encodings.own(identity, certificate, trust), encodings.roots(configuration.upstreams, trust)];
    types.set(TYPE_URL.secret, layResources(secrets));
    const set = keepEqual(types, known?.set ?? former);
    byIdentity.set(key, { certificate, trust, set });
    return set;
  }

  function give(proxy: ConnectedProxy): void {
    const { connectionId } = proxy.connection;
    const { identity } = proxy;
    const configuration = planner.configure({ uuid: identity.uuid, identity, pod: proxy.pod });
    if (configuration === undefined) return;
    const certificate = certificates.current(identity);
    if (certificate === undefined) return;
    const former = given.get(connectionId);
    const set = assemble(configuration, identity, certificate, former);
    if (set === former) return;
    given.set(connectionId, set);
    ads.setResources(connectionId, set);
  }

  /** Gives a proxy what it should have. One that cannot be configured keeps what it has, and the others go on; then false. */
  function tryToGive(proxy: ConnectedProxy): boolean {
    try {
      give(proxy);
      return true;
    } catch (error) {
      log.error(
        { uuid: proxy.identity.uuid, error: error instanceof Error ? error.stack : String(error) },
        'configuring a proxy failed',
      );
      return false;
    }
  }

  const connected = (proxy: ConnectedProxy): boolean => {
    for (const other of options.proxies()) if (other === proxy) return true;
    return false;
  };

  /** A proxy without its certificate would only wait, so nothing is sent before there is one. */
  function add(proxy: ConnectedProxy): void {
    certificates.obtain(proxy.identity).then(
      () => {
        if (proxy.state === 'accepted') tryToGive(proxy);
      },
      (error: unknown) => {
        metrics.errors.inc({ err_code: 'E4013' });
        log.error(
          { uuid: proxy.identity.uuid, error: String(error), error_code: 'E4013' },
          'no certificate for a proxy',
        );
        setTimeout(() => {
          if (connected(proxy)) add(proxy);
        }, RETRY_MS).unref();
      },
    );
  }

  return {
    add,
    refresh() {
      const end = metrics.configUpdateTime.startTimer({ resource_type: 'all' });
      metrics.broadcasts.inc();
      let success = 'true';
      for (const proxy of options.proxies()) {
        if (proxy.state !== 'accepted') continue;
        if (!tryToGive(proxy)) success = 'false';
      }
      end({ success });
    },
    remove: (connectionId) => {
      given.delete(connectionId);
    },
    rotated(identity) {
      const key = identityKey(identity);
      for (const proxy of options.proxies()) {
        if (proxy.state === 'accepted' && identityKey(proxy.identity) === key) tryToGive(proxy);
      }
    },
    given: (connectionId) => given.get(connectionId),
  };
}
