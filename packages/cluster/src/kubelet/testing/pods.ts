import { type ObservedContainer, type ObservedPod, UNSTARTED } from '../observed.ts';
import type { Pod, PodSpec } from '../pod.ts';

/** A pod for the pure decisions. */
export function aPod(spec: PodSpec, status?: Pod['status'], metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', namespace: 'ns', uid: 'u1', ...metadata },
    spec,
    ...(status ? { status } : {}),
  };
}

/** A container that runs since `startedAt`, with everything done. */
export function running(change: Partial<ObservedContainer> = {}, startedAt = 0): ObservedContainer {
  const state = { kind: 'running', startedAt, containerId: 'osm://1', stopping: false } as const;
  return { ...UNSTARTED, state, postStartDone: true, startupDone: true, ready: true, ...change };
}

/** A container that ended at `finishedAt`. */
export function exited(exitCode: number, change: Partial<ObservedContainer> = {}, finishedAt = 0): ObservedContainer {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return {
    ...UNSTARTED,
    state: { kind: 'terminated', exitCode, reason, startedAt: 0, finishedAt, containerId: 'osm://1' },
    crashes: 1,
    ...change,
  };
}

/** An observation at time 1000 of a pod with network and volumes. */
export function seen(
  containers: Readonly<Record<string, ObservedContainer>>,
  change: Partial<ObservedPod> = {},
): ObservedPod {
  return {
    now: 1000,
    startTime: 0,
    sandbox: { kind: 'ready', ip: '198.19.0.9' },
    containers: new Map(Object.entries(containers)),
    initialized: false,
    ...change,
  };
}
