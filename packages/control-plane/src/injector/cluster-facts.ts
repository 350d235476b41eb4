import { isIP } from 'node:net';
import { type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import type { ApiServerAddresses } from './infrastructure.ts';

/** What the injector knows of the cluster at large. */
export interface ClusterFacts {
  readonly kubernetesMinor: number;
  readonly apiServer: ApiServerAddresses;
}

/** How long facts are believed; API servers are upgraded and moved rarely. */
const BELIEF_MS = 60_000;

interface Slice extends KubeObject {
  readonly endpoints?: readonly { readonly addresses?: readonly string[] }[];
  readonly ports?: readonly { readonly port?: number }[];
}

/** Minor version of a `/version` answer; distributions append a `+`. Throws when there is none. */
export function minorVersion(version: unknown): number {
  const { major, minor } = (version ?? {}) as { major?: string; minor?: string };
  const number = Number.parseInt(minor ?? '', 10);
  if (Number.parseInt(major ?? '', 10) !== 1 || Number.isNaN(number)) {
    throw new Error(`the API server's /version is not understood: ${JSON.stringify(version)}`);
  }
  return number;
}

async function apiServerAddresses(client: KubeClient): Promise<ApiServerAddresses> {
  const [service, slices] = await Promise.all([
    client.get(TYPES.services, 'kubernetes', { namespace: 'default' }),
    client.list<Slice>(TYPES.endpointSlices, {
      namespace: 'default',
      labelSelector: 'kubernetes.io/service-name=kubernetes',
    }),
  ]);
  const clusterIP = (service.spec as { clusterIP?: string } | undefined)?.clusterIP ?? '';
  const endpoints = slices.items.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap((endpoint) =>
      (endpoint.addresses ?? [])
        .filter((address) => isIP(address) !== 0)
        .flatMap((address) =>
          (slice.ports ?? []).flatMap(({ port }) => (port === undefined ? [] : [{ address, port }])),
        ),
    ),
  );
  return { clusterIP: isIP(clusterIP) === 0 ? undefined : clusterIP, endpoints };
}

/**
 * Asks the API server for its version and addresses and believes the answer for a minute. When it cannot tell its
 * addresses, the former ones stay in force, at first the address that every pod gets in its environment.
 */
export function createClusterFacts(
  client: KubeClient,
  log: Logger,
  now: () => number = Date.now,
): () => Promise<ClusterFacts> {
  const fromEnvironment = process.env.KUBERNETES_SERVICE_HOST ?? '';
  let apiServer: ApiServerAddresses = {
    clusterIP: isIP(fromEnvironment) === 0 ? undefined : fromEnvironment,
    endpoints: [],
  };
  let facts: Promise<ClusterFacts> | undefined;
  let readAt = 0;
  const read = async (): Promise<ClusterFacts> => {
    const [version, addresses] = await Promise.all([
      client.raw('GET', '/version'),
      apiServerAddresses(client).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'the addresses of the API server cannot be read');
        return apiServer;
      }),
    ]);
    apiServer = addresses;
    return { kubernetesMinor: minorVersion(version), apiServer };
  };
  return () => {
    if (facts === undefined || now() - readAt > BELIEF_MS) {
      readAt = now();
      const former = facts;
      facts = read().catch((error: unknown) => {
        facts = former;
        if (former === undefined) throw error;
        return former;
      });
    }
    return facts;
  };
}
