import type { KubeClient } from '@osm/kube';
import type { Logger } from 'pino';
import { createEventRecorder, type EventRecorder } from '../kubelet/events.ts';
import { startAutoscalers } from './autoscalers.ts';
import type { Controller, ControllerContext } from './context.ts';
import { startCronJobs } from './cron-job/controller.ts';
import { startDaemonSets } from './daemon-set/controller.ts';
import { startDeployments } from './deployment/controller.ts';
import { startDisruptionBudgets } from './disruption-budgets.ts';
import { startEndpoints } from './endpoints/controller.ts';
import { startGarbageCollector } from './garbage/controller.ts';
import { Inventory } from './inventory/inventory.ts';
import { startJobs } from './job/controller.ts';
import { Mirrors } from './mirrors.ts';
import { startNamespaces } from './namespaces.ts';
import { startPodCollector } from './pod-collector.ts';
import { startReplicaSets } from './replica-set/controller.ts';
import { startScheduler } from './scheduler/controller.ts';
import { startServiceAccounts } from './service-accounts.ts';
import { startStatefulSets } from './stateful-set/controller.ts';

/** What the controllers are started with. */
export interface ControllerOptions {
  /** May do everything but impersonate (the role `system:kube-controller-manager`). Stays the caller's. */
  readonly client: KubeClient;
  readonly log: Logger;
  /** PEM of the authority by which pods verify the API server. */
  readonly clusterCaPem: string;
  /** Milliseconds since the epoch; default the clock. */
  readonly now?: () => number;
}

/**
 * Starts the controllers of the cluster; resolves when their caches are filled. Each one goes on whatever happens to the API
 * server; `stop` waits for the writes that are under way.
 */
export const startControllers = async (options: ControllerOptions): Promise<Controller> => {
  const { client, log, clusterCaPem } = options;
  const mirrors = new Mirrors(client, (error) => log.debug({ err: error }, 'a cache lost its watch'));
  const recorders = new Map<string, EventRecorder>();
  let markReady = (): void => {};
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });
  const context: ControllerContext = {
    client,
    log,
    mirrors,
    ready,
    recorder(component) {
      const present =
        recorders.get(component) ?? createEventRecorder(client, component, '', (message) => log.debug(message));
      recorders.set(component, present);
      return present;
    },
    now: options.now ?? Date.now,
  };
  const inventory = new Inventory(context);
  const controllers: readonly Controller[] = [
    startServiceAccounts(context, clusterCaPem),
    startScheduler(context),
    startReplicaSets(context),
    startDeployments(context),
    startStatefulSets(context),
    startDaemonSets(context),
    startJobs(context),
    startCronJobs(context),
    startEndpoints(context),
    startDisruptionBudgets(context),
    startAutoscalers(context),
    startPodCollector(context),
    startGarbageCollector(context, inventory),
    startNamespaces(context, inventory),
    inventory,
  ];
  await mirrors.synced();
  markReady();
  return {
    async stop() {
      await Promise.all(controllers.map((controller) => controller.stop()));
      mirrors.stop();
    },
  };
};
