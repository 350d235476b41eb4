import { type KubeObject, TYPES } from '@osm/kube';
import { type Demo, NAMESPACES } from '../start/demo.ts';
import type { PortForward } from '../start/port-forward.ts';
import { until } from './until.ts';

const ADMIN_PORT = 15000;

/** A pod with a sidecar. */
export interface Sidecar {
  readonly pod: string;
  readonly app: string;
  readonly serviceAccount: string;
  readonly namespace: string;
  readonly address: string;
  /** GET on Envoy's admin interface. */
  admin(path: string): Promise<string>;
}

/** The bookstore's sidecars. */
export interface Proxies {
  list(): Promise<readonly Sidecar[]>;
  /**
   * Waits until every running proxy fulfils the condition on its active listeners (JSON as text), and resolves with the ms that
   * took.
   */
  untilAll(what: string, withinMs: number, holds: (listeners: string, proxy: Sidecar) => boolean): Promise<number>;
  close(): void;
}

const LISTENERS = '/config_dump?resource=dynamic_listeners';
/** Listeners that are in force: those still warming, and those that drain, are shown apart from them. */
const activeListeners = (dump: string): string =>
  JSON.stringify(
    ((JSON.parse(dump) as { configs?: { active_state?: unknown }[] }).configs ?? []).map((each) => each.active_state),
  );

function isRunning(pod: KubeObject): boolean {
  const status = pod.status as { phase?: string; conditions?: { type: string; status: string }[] } | undefined;
  const ready = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
  return status?.phase === 'Running' && ready && pod.metadata.deletionTimestamp === undefined;
}

/** Opens ways to the admin interfaces as they are needed. */
export function openProxies(demo: Demo): Proxies {
  const ways = new Map<string, Promise<PortForward>>();
  const wayTo = (namespace: string, pod: string): Promise<PortForward> => {
    const known = ways.get(pod);
    if (known !== undefined) return known;
    const opened = demo.forward(namespace, `pod/${pod}`, ADMIN_PORT);
    ways.set(pod, opened);
    const forget = () => ways.delete(pod);
    opened.then((way) => way.closed.then(forget), forget);
    return opened;
  };
  const proxyOf = (pod: KubeObject): Sidecar => {
    const { name, namespace = '' } = pod.metadata;
    const spec = pod.spec as { serviceAccountName?: string };
    return {
      pod: name,
      app: pod.metadata.labels?.app ?? '',
      serviceAccount: spec.serviceAccountName ?? 'default',
      namespace,
      address: (pod.status as { podIP?: string }).podIP ?? '',
      admin: async (path) => {
        const answer = await fetch(`${(await wayTo(namespace, name)).url(ADMIN_PORT)}${path}`);
        return answer.text();
      },
    };
  };
  const list = async (): Promise<readonly Sidecar[]> => {
    const { items } = await demo.client.list(TYPES.pods, { labelSelector: 'osm-proxy-uuid' });
    return items
      .filter((pod) => isRunning(pod) && (NAMESPACES as readonly string[]).includes(pod.metadata.namespace ?? ''))
      .map(proxyOf);
  };
  return {
    list,
    async untilAll(what, withinMs, holds) {
      const all = await list();
      // The ways are opened before time is taken.
      await Promise.all(all.map((proxy) => proxy.admin('/ready')));
      const began = performance.now();
      await Promise.all(
        all.map((proxy) =>
          until(`${what}, in ${proxy.namespace}/${proxy.pod}`, withinMs, async () => {
            return holds(activeListeners(await proxy.admin(LISTENERS)), proxy) ? true : undefined;
          }),
        ),
      );
      return performance.now() - began;
    },
    close() {
      for (const way of ways.values()) {
        way.then(
          (open) => open.close(),
          () => {},
        );
      }
    },
  };
}
