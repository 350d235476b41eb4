import { type RestartBackoff, restartAt } from './backoff.ts';
import { isStarted, type ObservedContainer, type ObservedPod, UNSTARTED } from './observed.ts';
import { type Container, isSidecar, type Pod, type RestartPolicy } from './pod.ts';

/** One thing to do next for a pod. */
export type Action =
  /** Make network and volumes. */
  | { readonly do: 'prepare' }
  | { readonly do: 'start'; readonly container: string }
  /** Run preStop now, send SIGTERM once `after` have all exited, SIGKILL at `deadline` (ms). */
  | { readonly do: 'stop'; readonly container: string; readonly deadline: number; readonly after: readonly string[] }
  /** The pod has outlived activeDeadlineSeconds. */
  | { readonly do: 'expire'; readonly message: string; readonly deadline: number }
  /** Give network and volumes back. */
  | { readonly do: 'release' }
  /** Everything is given back: take the object out of the API. */
  | { readonly do: 'finish' };

/** What to do now, and when to look again (ms) if nothing happens before. */
export interface Decision {
  readonly actions: readonly Action[];
  readonly wakeAt?: number;
}

/** Whether the application has run to its end, and how. */
export type Outcome = 'running' | 'succeeded' | 'failed';

const DEFAULT_GRACE_SECONDS = 30;

/**
 * Decides the next actions of one pod. Pure: the same pod and observation give the same decision; an action under way
 * shows in the observation (`creating`, `starting`, `stopping`), so it is never asked for twice.
 * Order of containers: Kubernetes docs, "Init containers", "Sidecar containers", "Pod lifecycle".
 */
export function syncPod(pod: Pod, seen: ObservedPod, backoff: RestartBackoff): Decision {
  if (seen.ending) return windDown(pod, seen, seen.ending.deadline);
  if (podOutcome(pod, seen) !== 'running') return windDown(pod, seen, seen.now + graceMs(pod));
  const expiry = expiryOf(pod, seen);
  if (expiry !== undefined && seen.now >= expiry) {
    const message = 'Pod was active on the node longer than the specified deadline';
    return { actions: [{ do: 'expire', message, deadline: seen.now + graceMs(pod) }] };
  }
  const wakes = new Wakes(expiry);
  if (seen.sandbox.kind === 'ready') return wakes.decide(startInOrder(pod, seen, backoff, wakes));
  if (seen.sandbox.kind !== 'absent') return wakes.decide([]);
  return wakes.decide(wakes.due(seen.sandbox.retryAt, seen.now) ? [{ do: 'prepare' }] : []);
}

/** Whether every init container has done its part: plain ones succeeded, sidecars started. */
export function isInitialized(pod: Pod, seen: ObservedPod): boolean {
  if (seen.initialized) return true;
  return (pod.spec.initContainers ?? []).every((c) => {
    const container = seen.containers.get(c.name) ?? UNSTARTED;
    if (isSidecar(pod, c)) return isStarted(container);
    return container.state.kind === 'terminated' && container.state.exitCode === 0;
  });
}

/** How the pod stands by its restart policy; sidecars never hold an outcome back. */
export function podOutcome(pod: Pod, seen: ObservedPod): Outcome {
  const failedInit = (pod.spec.initContainers ?? []).some((c) => {
    const state = (seen.containers.get(c.name) ?? UNSTARTED).state;
    return state.kind === 'terminated' && state.exitCode !== 0 && !willRestart(pod, c, state.exitCode);
  });
  if (failedInit) return 'failed';
  if (!isInitialized(pod, seen)) return 'running';
  let failed = false;
  for (const c of pod.spec.containers) {
    const state = (seen.containers.get(c.name) ?? UNSTARTED).state;
    if (state.kind !== 'terminated' || willRestart(pod, c, state.exitCode)) return 'running';
    failed ||= state.exitCode !== 0;
  }
  return failed ? 'failed' : 'succeeded';
}

/** Whether a container that ended with `exitCode` is started again. */
export function willRestart(pod: Pod, container: Container, exitCode: number): boolean {
  const isInit = (pod.spec.initContainers ?? []).some((c) => c.name === container.name);
  const policy: RestartPolicy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  if (policy === 'OnFailure' || (isInit && !isSidecar(pod, container))) return exitCode !== 0;
  return true;
}

/** True while a process of the container exists or is being made. */
export function isAlive(container: ObservedContainer | undefined): boolean {
  return container?.state.kind === 'running' || container?.state.kind === 'starting';
}

/** The grace period of the pod's own end (not of a deletion, which names its own), in milliseconds. */
export function graceMs(pod: Pod): number {
  return (pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1000;
}

/** Names whose exit a container awaits before its SIGTERM: a sidecar outlives what was started after it. */
export function stopsAfter(pod: Pod, container: Container): readonly string[] {
  if (!isSidecar(pod, container)) return [];
  const inits = pod.spec.initContainers ?? [];
  const later = inits.slice(inits.findIndex((c) => c.name === container.name) + 1);
  return [...pod.spec.containers, ...later].map((c) => c.name);
}

function windDown(pod: Pod, seen: ObservedPod, deadline: number): Decision {
  const actions: Action[] = [];
  let alive = false;
  for (const c of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const container = seen.containers.get(c.name);
    if (!container || !isAlive(container)) continue;
    alive = true;
    if (container.state.kind === 'running' && !container.state.stopping) {
      actions.push({ do: 'stop', container: c.name, deadline, after: stopsAfter(pod, c) });
    }
  }
  if (alive || seen.sandbox.kind === 'creating' || seen.sandbox.kind === 'releasing') return { actions };
  if (seen.sandbox.kind !== 'released') return { actions: [{ do: 'release' }] };
  return { actions: seen.ending?.cause === 'Deleted' ? [{ do: 'finish' }] : [] };
}

function startInOrder(pod: Pod, seen: ObservedPod, backoff: RestartBackoff, wakes: Wakes): readonly Action[] {
  const actions: Action[] = [];
  const consider = (c: Container): ObservedContainer => {
    const container = seen.containers.get(c.name) ?? UNSTARTED;
    const { state } = container;
    if (state.kind === 'waiting' && wakes.due(container.retryAt, seen.now))
      actions.push({ do: 'start', container: c.name });
    if (
      state.kind === 'terminated' &&
      willRestart(pod, c, state.exitCode) &&
      wakes.due(restartAt(container, backoff), seen.now)
    ) {
      actions.push({ do: 'start', container: c.name });
    }
    return container;
  };
  const initialized = isInitialized(pod, seen);
  for (const c of pod.spec.initContainers ?? []) {
    if (isSidecar(pod, c)) {
      const sidecar = consider(c);
      if (!initialized && !isStarted(sidecar)) return actions;
      continue;
    }
    if (initialized) continue;
    const { state } = consider(c);
    if (state.kind !== 'terminated' || state.exitCode !== 0) return actions;
  }
  for (const c of pod.spec.containers) {
    const before = actions.length;
    const container = consider(c);
    // Containers are started one after the other, each once the postStart hook of the one before has ended.
    if (actions.length > before || container.state.kind === 'starting') return actions;
    if (container.state.kind === 'running' && !container.postStartDone) return actions;
  }
  return actions;
}

function expiryOf(pod: Pod, seen: ObservedPod): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined ? undefined : seen.startTime + seconds * 1000;
}

/** Collects the earliest moment at which something becomes due. */
class Wakes {
  private at: number | undefined;
  constructor(first: number | undefined) {
    this.at = first;
  }
  /** True when `time` has come (or none is set); otherwise remembers it. */
  due(time: number | undefined, now: number): boolean {
    if (time === undefined || time <= now) return true;
    this.at = this.at === undefined ? time : Math.min(this.at, time);
    return false;
  }
  decide(actions: readonly Action[]): Decision {
    return this.at === undefined ? { actions } : { actions, wakeAt: this.at };
  }
}
