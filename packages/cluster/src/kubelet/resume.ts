import { type ObservedContainer, type Terminated, UNSTARTED } from './observed.ts';
import type { ContainerStatus, Pod } from './pod.ts';
import { willRestart } from './sync-pod.ts';

/** What a kubelet starts from when the API already holds a status of the pod. */
export interface Resumed {
  readonly startTime: number;
  readonly containers: ReadonlyMap<string, ObservedContainer>;
  /** The pod has reached its end: nothing is started any more. */
  readonly ended: boolean;
  /** No application container will run again, so the init containers do not either. */
  readonly initialized: boolean;
}

/** Exit code and reason the kubelet gives a container that ended while nobody watched. */
const UNKNOWN_EXIT = 137;
const UNKNOWN_REASON = 'ContainerStatusUnknown';

/**
 * Reads a pod's status back after a restart of the node. Every process has died with it, so a running container counts as
 * killed and is started again by its restart policy; the network is new, so init containers run again. Back-off starts
 * afresh.
 */
export function resume(pod: Pod, now: number): Resumed {
  const phase = pod.status?.phase;
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const containers = new Map<string, ObservedContainer>();
  for (const status of pod.status?.containerStatuses ?? []) containers.set(status.name, read(status, now));
  const initialized =
    ended ||
    pod.spec.containers.every((c) => {
      const state = containers.get(c.name)?.state;
      return state?.kind === 'terminated' && !willRestart(pod, c, state.exitCode);
    });
  for (const status of pod.status?.initContainerStatuses ?? []) {
    const seen = read(status, now);
    containers.set(status.name, initialized ? seen : again(seen));
  }
  const started = Date.parse(pod.status?.startTime ?? '');
  return { startTime: Number.isNaN(started) ? now : started, containers, ended, initialized };
}

function read(status: ContainerStatus, now: number): ObservedContainer {
  const base: ObservedContainer = {
    ...UNSTARTED,
    restartCount: status.restartCount,
    imageId: status.imageID,
    ...(status.lastState?.terminated ? { last: readTerminated(status.lastState.terminated, now) } : {}),
  };
  const { state } = status;
  if (state?.terminated)
    return { ...base, state: { kind: 'terminated', ...readTerminated(state.terminated, now) }, crashes: 1 };
  if (state?.running) {
    const killed: Terminated = {
      exitCode: UNKNOWN_EXIT,
      reason: UNKNOWN_REASON,
      message: 'The node was restarted while the container was running',
      startedAt: time(state.running.startedAt, now),
      finishedAt: now,
      containerId: status.containerID ?? '',
    };
    return { ...base, state: { kind: 'terminated', ...killed }, crashes: 1 };
  }
  // Waiting between two runs (CrashLoopBackOff): the last run decides, without its back-off.
  return base.last ? { ...base, state: { kind: 'terminated', ...base.last }, crashes: 1 } : base;
}

/** An init container that has run counts as restarted when it runs in the new sandbox. */
function again(seen: ObservedContainer): ObservedContainer {
  if (seen.state.kind !== 'terminated') return seen;
  const { kind: _, ...last } = seen.state;
  return { ...seen, state: { kind: 'waiting' }, last, restartCount: seen.restartCount + 1, crashes: 0 };
}

function readTerminated(
  end: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>,
  now: number,
): Terminated {
  return {
    exitCode: end.exitCode,
    reason: end.reason ?? (end.exitCode === 0 ? 'Completed' : 'Error'),
    ...(end.message ? { message: end.message } : {}),
    startedAt: time(end.startedAt, now),
    finishedAt: time(end.finishedAt, now),
    containerId: end.containerID ?? '',
  };
}

function time(text: string | null | undefined, fallback: number): number {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? fallback : ms;
}
