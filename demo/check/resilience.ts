import { nodeExec } from '@osm/cluster';
import { type KubeObject, TYPES } from '@osm/kube';
import { outcome } from '../start/command.ts';
import { OSM_NAMESPACE } from '../start/demo.ts';
import type { CheckContext, Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import { losses, startLoad } from './shopper.ts';
import { until } from './until.ts';

const PATIENCE_MS = 60_000;
const CONTROLLER = 'packages/control-plane/src/main.ts controller';

interface ContainerStatus {
  readonly restartCount: number;
  readonly ready: boolean;
}

async function controllerStatus({ demo }: CheckContext): Promise<ContainerStatus | undefined> {
  const { items } = await demo.client.list(TYPES.pods, {
    namespace: OSM_NAMESPACE,
    labelSelector: 'app=osm-controller',
  });
  const statuses = items.map(
    (pod: KubeObject) => (pod.status as { containerStatuses?: ContainerStatus[] }).containerStatuses,
  );
  return statuses[0]?.[0];
}

/** Kills the controller's process the hard way, as the machine would. */
async function killController({ demo }: CheckContext): Promise<void> {
  const list = await outcome(nodeExec(demo.id, ['ps', '-eo', 'pid,args'], ['ignore', 'pipe', 'pipe']), 'ps');
  // The program itself, and none of the processes that started it and carry its command line too.
  const pids = list
    .split('\n')
    .filter((line) => line.includes(CONTROLLER))
    .map((line) => /^\s*(\d+)\s+(\S+)/.exec(line))
    .filter((match) => match?.[2]?.endsWith('/node'))
    .map((match) => match?.[1] ?? '');
  claimThat(pids.length > 0, 'no process of the controller was found');
  await outcome(nodeExec(demo.id, ['kill', '-KILL', ...pids], ['ignore', 'pipe', 'pipe']), 'kill');
}

/** 5: restarts lose nothing. */
export const resilience: Claim = {
  number: 5,
  title: 'a rolling restart of the bookstore and a SIGKILL of the controller lose no request under load',
  async verify(context) {
    const { demo, buyer, proxies } = context;
    await demo.apply('policies/split-50-50.yaml');
    const load = startLoad(buyer);
    await demo.kubectl(['rollout', 'restart', 'deployment', '--namespace', 'bookstore']);
    for (const name of ['bookstore-v1', 'bookstore-v2']) {
      await demo.kubectl(['rollout', 'status', `deployment/${name}`, '-n', 'bookstore', '--timeout=120s']);
    }
    const restarted = await load.stop();
    claimThat(losses(restarted) === '', `rolling restart, of ${restarted.requests} requests: ${losses(restarted)}`);

    const before = (await controllerStatus(context))?.restartCount ?? 0;
    const secondLoad = startLoad(buyer);
    await killController(context);
    await until('the controller is back', PATIENCE_MS, async () => {
      const now = await controllerStatus(context);
      return now !== undefined && now.restartCount > before && now.ready ? true : undefined;
    });
    await until('every proxy is connected again', PATIENCE_MS, async () => {
      const all = await proxies.list();
      const states = await Promise.all(
        all.map((proxy) => proxy.admin('/stats?filter=^control_plane.connected_state$')),
      );
      return states.every((state) => state.trim().endsWith(': 1')) ? true : undefined;
    });
    const survived = await secondLoad.stop();
    claimThat(losses(survived) === '', `controller killed, of ${survived.requests} requests: ${losses(survived)}`);
    return `${restarted.requests} requests during the rolling restart and ${survived.requests} while the controller was killed and came back, none lost`;
  },
};
