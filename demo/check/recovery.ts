import { type KubeObject, TYPES } from '@osm/kube';
import { OSM_NAMESPACE } from '../start/demo.ts';
import type { Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import { until } from './until.ts';

const PATIENCE_MS = 60_000;
const EXTRA = 'bookbuyer-early';

interface PodStatus {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly initContainerStatuses?: readonly { readonly name: string; readonly started?: boolean }[];
}

const isReady = (pod: KubeObject): boolean =>
  ((pod.status as PodStatus).conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True');

/** 6: what happens while the controller is away heals by itself. */
export const recovery: Claim = {
  number: 6,
  title: 'a pod made while the controller is down says so and recovers by itself; no proxy keeps stale configuration',
  async verify({ demo, proxies }) {
    const scale = (replicas: number) =>
      demo.kubectl(['scale', 'deployment/osm-controller', '-n', OSM_NAMESPACE, `--replicas=${replicas}`]);
    const pods = (namespace: string, labelSelector: string) =>
      demo.client.list(TYPES.pods, { namespace, labelSelector });
    await scale(0);
    await until('the controller is gone', PATIENCE_MS, async () =>
      (await pods(OSM_NAMESPACE, 'app=osm-controller')).items.length === 0 ? true : undefined,
    );
    const template = JSON.parse(
      await demo.kubectl(['get', 'deployment', 'bookbuyer', '-n', 'bookbuyer', '-o', 'json']),
    );
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: EXTRA, namespace: 'bookbuyer', labels: { app: EXTRA } },
      spec: template.spec.template.spec,
    };
    await demo.kubectl(['apply', '-f', '-'], JSON.stringify(pod));
    // Policies change meanwhile: what proxies have must be made anew from them afterwards.
    await demo.kubectl(['delete', 'traffictarget', 'bookstore', '--namespace', 'bookstore']);
    const state = await until('the new pod waits for its proxy', PATIENCE_MS, async () => {
      const waiting = await demo.client.get(TYPES.pods, EXTRA, { namespace: 'bookbuyer' });
      const envoy = (waiting.status as PodStatus).initContainerStatuses?.find((each) => each.name === 'envoy');
      if (envoy === undefined || envoy.started === true) return undefined;
      const line = await demo.kubectl(['get', 'pod', EXTRA, '-n', 'bookbuyer', '--no-headers']);
      const events = await demo.kubectl([
        'get',
        'events',
        '-n',
        'bookbuyer',
        '--field-selector',
        `involvedObject.name=${EXTRA}`,
      ]);
      const status = line.split(/\s+/)[2] ?? '';
      return /startup probe/i.test(events) ? `${status}, event “Startup probe failed”` : undefined;
    });
    const began = performance.now();
    await scale(1);
    await until('the pod is ready', PATIENCE_MS, async () =>
      isReady(await demo.client.get(TYPES.pods, EXTRA, { namespace: 'bookbuyer' })) ? true : undefined,
    );
    const seconds = (performance.now() - began) / 1000;
    await proxies.untilAll('the deleted TrafficTarget is out of force', PATIENCE_MS, (configuration, proxy) =>
      proxy.serviceAccount === 'bookstore'
        ? !configuration.includes('spiffe://cluster.local/bookbuyer/bookbuyer')
        : true,
    );
    await demo.apply('policies/bookstore.yaml');
    await demo.kubectl(['delete', 'pod', EXTRA, '-n', 'bookbuyer']);
    claimThat(/Init|PodInitializing/.test(state), `the waiting pod shows ${state}`);
    return `while waiting: ${state}; ready ${seconds.toFixed(1)} s after the controller was started again; the policy deleted meanwhile is out of force everywhere`;
  },
};
