import { join } from 'node:path';
import { createProgram, findProgram, PRODUCT_ROOT, processContext } from '@osm/cli';
import { type ClusterId, clusterDown, clusterUp } from '@osm/cluster';
import { createKubeClient, type KubeClient, loadKubeconfig } from '@osm/kube';
import { runCommand } from './command.ts';
import { addDemoImages } from './images.ts';
import { openPortForward, type PortForward } from './port-forward.ts';
import { type Stage, type Stopwatch, startStopwatch } from './stages.ts';

/** Port on which every application of the bookstore listens. */
export const APP_PORT = 14001;
/** Namespaces of the bookstore. */
export const NAMESPACES = ['bookbuyer', 'bookthief', 'bookstore', 'bookwarehouse'] as const;
/** Namespace of the control plane. */
export const OSM_NAMESPACE = 'osm-system';

/** The bookstore, up and meshed. */
export interface Demo {
  readonly id: ClusterId;
  readonly kubeconfig: string;
  readonly client: KubeClient;
  readonly stages: readonly Stage[];
  /** Runs kubectl against the cluster; resolves with its output. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** `kubectl apply -f` of a file of demo/. */
  apply(file: string): Promise<void>;
  forward(namespace: string, target: string, ...ports: number[]): Promise<PortForward>;
  down(): Promise<void>;
}

/** What a demo is brought up with. */
export interface DemoOptions extends ClusterId {
  readonly onStage: (stage: Stage) => void;
  readonly signal: AbortSignal;
}

const MANIFESTS = ['mysql', 'bookwarehouse', 'bookstore', 'bookbuyer', 'bookthief'];

/**
 * Brings cluster, mesh and bookstore up, and resolves after the first book was bought over the mesh. Removes what it made when
 * something fails.
 */
export async function bringUp(options: DemoOptions): Promise<Demo> {
  const watch = startStopwatch(options.onStage);
  const id = { name: options.name, home: options.home };
  const [cluster] = await Promise.all([clusterUp({ ...id, signal: options.signal }), addDemoImages(id.home)]);
  watch.lap('cluster');
  const demo = openDemo(id, cluster.kubeconfig, watch);
  try {
    await installMesh(demo, watch, options.signal);
    return demo;
  } catch (error) {
    await demo.down();
    throw error;
  }
}

async function installMesh(demo: Demo, watch: Stopwatch, signal: AbortSignal): Promise<void> {
  process.env.KUBECONFIG = demo.kubeconfig;
  const osm = (...args: readonly string[]): Promise<unknown> => {
    signal.throwIfAborted();
    const context = processContext({ kind: 'self-hosted', distribution: '', namespace: OSM_NAMESPACE });
    return createProgram({ ...context, write: () => {} }).parseAsync(args, { from: 'user' });
  };
  const namespaces = NAMESPACES.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await Promise.all([
    osm('install'),
    demo.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: namespaces })),
  ]);
  watch.lap('mesh');
  await osm('namespace', 'add', ...NAMESPACES);
  const files = MANIFESTS.flatMap((name) => ['-f', join(PRODUCT_ROOT, 'demo', 'manifests', `${name}.yaml`)]);
  await demo.kubectl(['apply', ...files]);
  watch.lap('bookstore applied');
  await firstBook(demo, signal);
  watch.lap('first meshed request');
  await demo.apply('manifests/bookstore-v2.yaml');
  for (const [namespace, target] of ROLLOUTS) {
    signal.throwIfAborted();
    await demo.kubectl(['rollout', 'status', target, '--namespace', namespace, '--timeout=120s']);
  }
  watch.lap('everything ready');
}

const ROLLOUTS = [
  ['bookwarehouse', 'statefulset/mysql'],
  ['bookwarehouse', 'deployment/bookwarehouse'],
  ['bookstore', 'deployment/bookstore-v1'],
  ['bookstore', 'deployment/bookstore-v2'],
  ['bookbuyer', 'deployment/bookbuyer'],
  ['bookthief', 'deployment/bookthief'],
] as const;

/** Resolves when bookbuyer has bought a book, which only its sidecar can have brought it. */
async function firstBook(demo: Demo, signal: AbortSignal): Promise<void> {
  await demo.kubectl(['rollout', 'status', 'deployment/bookbuyer', '-n', 'bookbuyer', '--timeout=120s']);
  const forward = await demo.forward('bookbuyer', 'deploy/bookbuyer', APP_PORT);
  try {
    for (;;) {
      signal.throwIfAborted();
      const answer = await fetch(`${forward.url(APP_PORT)}/burst?count=1&concurrency=1`, { method: 'POST', signal });
      if (((await answer.json()) as { books: number }).books > 0) return;
    }
  } finally {
    forward.close();
  }
}

/** A handle on a demo that is up. */
export function openDemo(id: ClusterId, kubeconfig: string, watch: Stopwatch): Demo {
  const client = createKubeClient(loadKubeconfig(kubeconfig));
  const kubectlProgram = findProgram('kubectl');
  const kubectl = (args: readonly string[], input = '') =>
    runCommand(kubectlProgram, ['--kubeconfig', kubeconfig, ...args], { input });
  return {
    id,
    kubeconfig,
    client,
    stages: watch.stages,
    kubectl,
    apply: async (file) => {
      await kubectl(['apply', '-f', join(PRODUCT_ROOT, 'demo', file)]);
    },
    forward: (namespace, target, ...ports) => openPortForward(kubeconfig, namespace, target, ports),
    async down() {
      client.close();
      await clusterDown(id);
    },
  };
}
