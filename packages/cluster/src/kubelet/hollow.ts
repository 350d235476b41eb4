import { ApiError, type Informer, type KubeClient, TYPES } from '@osm/kube';
import { KUBERNETES_BACKOFF } from './backoff.ts';
import type { Log } from './context.ts';
import { type NodeHeartbeat, registerNode } from './node-object.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import { allContainers, isSidecar, type Pod, podKey } from './pod.ts';
import { podStatus } from './pod-status.ts';
import type { StatusWriter } from './status-writer.ts';

/** Nodes whose pods go Running and Ready with an address of their own and have no processes; for tests of scale. */
export interface HollowNodes {
  /** True when the pod is on one of them. */
  has(pod: Pod): boolean;
  stop(): void;
}

/** Hollow pods take addresses from the end of the pod range downwards; real pods start at its beginning. */
const PREFIX = '198.19';
const HIGHEST = 65_534;
const HOST_IP = '198.19.0.1';
const MEMORY_BYTES = 64 * 2 ** 30;

/** Name of a hollow node. */
export function hollowNodeName(index: number): string {
  return `hollow-${index}`;
}

/** Registers `count` hollow nodes and plays their pods as `pods` (all of the cluster's) shows them. */
export async function startHollowNodes(
  client: KubeClient,
  count: number,
  pods: Informer<Pod>,
  statuses: StatusWriter,
  log: Log,
): Promise<HollowNodes> {
  const names = new Set(Array.from({ length: count }, (_, index) => hollowNodeName(index)));
  const identity = (name: string) => ({ name, ip: HOST_IP, cpus: 32, memoryBytes: MEMORY_BYTES, hollow: true });
  const heartbeats: NodeHeartbeat[] = [];
  for (const name of names) heartbeats.push(await registerNode(client, identity(name), log));
  const addresses = new HollowAddresses();
  const leaving = new Set<string>();

  const play = (pod: Pod): void => {
    const uid = pod.metadata.uid ?? podKey(pod);
    if (pod.metadata.deletionTimestamp) {
      if (!leaving.has(uid)) void remove(pod, uid);
      return;
    }
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
    const ip = addresses.of(uid, pod.status?.podIP);
    statuses.write(
      pod,
      podStatus(pod, observedHollow(pod, ip, Date.now()), { hostIP: HOST_IP, backoff: KUBERNETES_BACKOFF }),
    );
  };
  const remove = async (pod: Pod, uid: string): Promise<void> => {
    leaving.add(uid);
    statuses.forget(pod);
    try {
      await client.delete(TYPES.pods, pod.metadata.name, {
        namespace: pod.metadata.namespace ?? 'default',
        gracePeriodSeconds: 0,
        preconditions: { uid },
      });
    } catch (error) {
      leaving.delete(uid);
      if (!(error instanceof ApiError && error.code === 404))
        log(`cannot remove hollow pod ${podKey(pod)}: ${String(error)}`);
    }
  };
  const unsubscribe = pods.subscribe(({ type, object }) => {
    if (!names.has(object.spec.nodeName ?? '')) return;
    if (type !== 'deleted') return play(object);
    const uid = object.metadata.uid ?? podKey(object);
    addresses.release(uid);
    leaving.delete(uid);
    statuses.forget(object);
  });
  return {
    has: (pod) => names.has(pod.spec.nodeName ?? ''),
    stop() {
      unsubscribe();
      for (const heartbeat of heartbeats) heartbeat.stop();
    },
  };
}

/** The observation of a pod of which everything went well. */
export function observedHollow(pod: Pod, ip: string, now: number): ObservedPod {
  const started = Date.parse(pod.status?.startTime ?? '');
  const at = Number.isNaN(started) ? now : started;
  const base = { restartCount: 0, crashes: 0, imageId: '', postStartDone: true, startupDone: true, ready: true };
  const containers = allContainers(pod).map((c): [string, ObservedContainer] => {
    const isPlainInit = !isSidecar(pod, c) && !pod.spec.containers.includes(c);
    const containerId = `hollow://${pod.metadata.uid}/${c.name}`;
    const state: ObservedContainer['state'] = isPlainInit
      ? { kind: 'terminated', exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at, containerId }
      : { kind: 'running', startedAt: at, containerId, stopping: false };
    return [c.name, { ...base, imageId: c.image ?? '', state }];
  });
  return { now, startTime: at, sandbox: { kind: 'ready', ip }, containers: new Map(containers), initialized: true };
}

class HollowAddresses {
  private readonly byPod = new Map<string, number>();
  private readonly taken = new Set<number>();
  private cursor = HIGHEST;

  /** The pod's address: the one it has, or the next free one. */
  of(uid: string, present: string | undefined): string {
    const held = this.byPod.get(uid);
    if (held !== undefined) return format(held);
    let number = present?.startsWith(`${PREFIX}.`) ? parse(present) : undefined;
    while (number === undefined || this.taken.has(number)) {
      number = this.cursor;
      this.cursor = this.cursor > 2 ? this.cursor - 1 : HIGHEST;
    }
    this.taken.add(number);
    this.byPod.set(uid, number);
    return format(number);
  }

  release(uid: string): void {
    const number = this.byPod.get(uid);
    if (number === undefined) return;
    this.byPod.delete(uid);
    this.taken.delete(number);
  }
}

function format(number: number): string {
  return `${PREFIX}.${number >> 8}.${number & 255}`;
}

function parse(ip: string): number {
  const [, , high = '0', low = '0'] = ip.split('.');
  return Number(high) * 256 + Number(low);
}
