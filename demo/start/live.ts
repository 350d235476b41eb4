import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject, ResourceType } from '@osm/kube';
import { TYPES } from '@osm/kube';
import { APP_PORT, type Demo, NAMESPACES, OSM_NAMESPACE } from './demo.ts';
import { drawMoment, type Moment } from './live-view.ts';
import type { PortForward } from './port-forward.ts';
import { readUpstreamStats, STATS_FILTER } from './sidecar-stats.ts';

const ADMIN_PORT = 15000;
const SHOPPERS = new Set(['bookbuyer', 'bookthief']);
const type = (group: string, version: string, resource: string, kind: string): ResourceType => ({
  group,
  version,
  resource,
  kind,
  namespaced: true,
});
const MESH_CONFIGS = type('config.openservicemesh.io', 'v1alpha2', 'meshconfigs', 'MeshConfig');
const TRAFFIC_SPLITS = type('split.smi-spec.io', 'v1alpha2', 'trafficsplits', 'TrafficSplit');

/** Ways into the pods, opened when a pod is first asked and dropped when it has gone. */
class PodWays {
  readonly #demo: Demo;
  readonly #ways = new Map<string, PortForward>();
  constructor(demo: Demo) {
    this.#demo = demo;
  }
  async get(pod: KubeObject): Promise<PortForward> {
    const { namespace = '', name } = pod.metadata;
    const known = this.#ways.get(name);
    if (known !== undefined) return known;
    const way = await this.#demo.forward(namespace, `pod/${name}`, ADMIN_PORT, APP_PORT);
    this.#ways.set(name, way);
    void way.closed.then(() => this.#ways.delete(name));
    return way;
  }
  close(): void {
    for (const way of this.#ways.values()) way.close();
  }
}

const isReady = (pod: KubeObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  ((pod.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? []).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );

async function observe(demo: Demo, ways: PodWays): Promise<Moment> {
  const [config, splits, pods] = await Promise.all([
    demo.client.get(MESH_CONFIGS, 'osm-mesh-config', { namespace: OSM_NAMESPACE }),
    demo.client.list(TRAFFIC_SPLITS, { namespace: 'bookstore' }),
    demo.client.list(TYPES.pods),
  ]);
  const meshed = pods.items.filter(
    (pod) => (NAMESPACES as readonly string[]).includes(pod.metadata.namespace ?? '') && isReady(pod),
  );
  const clients = await Promise.all(
    meshed
      .filter((pod) => pod.metadata.labels?.app !== 'mysql')
      .map(async (pod) => {
        const app = pod.metadata.labels?.app ?? '';
        const version = pod.metadata.labels?.version;
        const name = version === undefined ? app : `${app}-${version}`;
        const way = await ways.get(pod);
        const stats = await fetch(`${way.url(ADMIN_PORT)}/stats?filter=${encodeURIComponent(STATS_FILTER)}`);
        const counters = SHOPPERS.has(app) ? await fetch(`${way.url(APP_PORT)}/counters`) : undefined;
        const { errors = {} } = ((await counters?.json()) ?? {}) as { errors?: Record<string, number> };
        return { name, upstreams: readUpstreamStats(await stats.text()), unanswered: errors };
      }),
  );
  const traffic = (config.spec as { traffic?: { enablePermissiveTrafficPolicyMode?: boolean } } | undefined)?.traffic;
  const split = splits.items
    .map((each) => {
      const spec = each.spec as { service: string; backends?: { service: string; weight: number }[] };
      return `${spec.service}: ${(spec.backends ?? []).map(({ service, weight }) => `${service} ${weight}`).join(', ')}`;
    })
    .join('; ');
  return {
    at: new Date(),
    permissive: traffic?.enablePermissiveTrafficPolicyMode,
    split,
    clients: clients.sort((a, b) => a.name.localeCompare(b.name)),
  };
}

const INTERVAL_MS = 2000;
const CLEAR = '\u001b[H\u001b[J';

/** Shows live state until the signal comes. On a terminal the view stays in place; elsewhere each one is printed below. */
export async function showLive(demo: Demo, header: string, signal: AbortSignal): Promise<void> {
  const ways = new PodWays(demo);
  let before: Moment | undefined;
  try {
    while (!signal.aborted) {
      try {
        const now = await observe(demo, ways);
        process.stdout.write(`${process.stdout.isTTY ? CLEAR : '\n'}${header}\n${drawMoment(now, before)}`);
        before = now;
      } catch (error) {
        // A pod that is just going takes its answer with it; the next look finds what is there then.
        if (signal.aborted) break;
        process.stdout.write(`not now: ${(error as Error).message}\n`);
      }
      await delay(INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    ways.close();
  }
}
