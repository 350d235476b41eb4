import { type RestartBackoff, restartAt, restartDelay } from './backoff.ts';
import { isStarted, type ObservedContainer, type ObservedPod, type Terminated, UNSTARTED } from './observed.ts';
import {
  type Container,
  type ContainerStateStatus,
  type ContainerStatus,
  isSidecar,
  type Pod,
  type PodCondition,
  type PodPhase,
  type PodStatus,
} from './pod.ts';
import { isAlive, isInitialized, podOutcome, willRestart } from './sync-pod.ts';

/** Facts of the node that every pod status repeats. */
export interface NodeFacts {
  readonly hostIP: string;
  readonly backoff: RestartBackoff;
}

/**
 * The status of a pod as the API shows it. Conditions keep their transition time while their status stands; conditions
 * that other components own (readiness gates, DisruptionTarget) are kept (Kubernetes docs, "Pod lifecycle").
 */
export function podStatus(pod: Pod, seen: ObservedPod, node: NodeFacts): PodStatus {
  const phase = podPhase(pod, seen);
  const ip = seen.sandbox.kind === 'ready' ? seen.sandbox.ip : pod.status?.podIP;
  const initContainerStatuses = (pod.spec.initContainers ?? []).map((c) => containerStatus(pod, c, seen, node.backoff));
  const containerStatuses = pod.spec.containers.map((c) => containerStatus(pod, c, seen, node.backoff));
  const expired = seen.ending?.cause === 'DeadlineExceeded';
  return {
    phase,
    ...(expired ? { reason: 'DeadlineExceeded', message: seen.ending?.message ?? '' } : {}),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    conditions: conditions(pod, seen, phase, initContainerStatuses, containerStatuses),
    hostIP: node.hostIP,
    hostIPs: [{ ip: node.hostIP }],
    ...(ip ? { podIP: ip, podIPs: [{ ip }] } : {}),
    startTime: rfc3339(seen.startTime),
    ...(initContainerStatuses.length > 0 ? { initContainerStatuses } : {}),
    containerStatuses,
  };
}

/** The phase: terminal only once no process of the pod is left, so that nobody takes a running pod for done. */
export function podPhase(pod: Pod, seen: ObservedPod): PodPhase {
  const anyAlive = [...seen.containers.values()].some(isAlive);
  const outcome = podOutcome(pod, seen);
  if (!anyAlive) {
    if (seen.ending?.cause === 'DeadlineExceeded') return 'Failed';
    if (seen.ending && seen.sandbox.kind === 'released') return allSucceeded(pod, seen) ? 'Succeeded' : 'Failed';
    if (outcome !== 'running') return outcome === 'failed' ? 'Failed' : 'Succeeded';
  }
  if (!isInitialized(pod, seen)) return 'Pending';
  const neverRun = pod.spec.containers.some((c) => {
    const container = seen.containers.get(c.name) ?? UNSTARTED;
    return shownState(container).kind === 'waiting' && container.last === undefined;
  });
  return neverRun ? 'Pending' : 'Running';
}

/** RFC 3339 with seconds, the precision of Kubernetes times. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function allSucceeded(pod: Pod, seen: ObservedPod): boolean {
  return pod.spec.containers.every((c) => {
    const state = (seen.containers.get(c.name) ?? UNSTARTED).state;
    return state.kind === 'terminated' && state.exitCode === 0;
  });
}

function containerStatus(pod: Pod, c: Container, seen: ObservedPod, backoff: RestartBackoff): ContainerStatus {
  const container = seen.containers.get(c.name) ?? UNSTARTED;
  const { state, lastState } = states(pod, c, container, seen, backoff);
  const id = state.running && container.state.kind === 'running' ? container.state.containerId : shownId(container);
  const isPlainInit = !isSidecar(pod, c) && (pod.spec.initContainers ?? []).some((i) => i.name === c.name);
  const started = isStarted(container);
  return {
    name: c.name,
    state,
    lastState,
    ready: isPlainInit
      ? container.state.kind === 'terminated' && container.state.exitCode === 0
      : started && container.ready,
    started: isPlainInit ? container.state.kind === 'running' : started,
    restartCount: container.restartCount,
    image: c.image ?? '',
    imageID: container.imageId,
    ...(id ? { containerID: id } : {}),
  };
}

function shownId(container: ObservedContainer): string | undefined {
  const state = shownState(container);
  if (state.kind === 'terminated') return state.containerId;
  return container.last?.containerId;
}

/** While a container is being started, what it was before is shown. */
function shownState(container: ObservedContainer): Exclude<ObservedContainer['state'], { kind: 'starting' }> {
  return container.state.kind === 'starting' ? container.state.shown : container.state;
}

function states(
  pod: Pod,
  c: Container,
  container: ObservedContainer,
  seen: ObservedPod,
  backoff: RestartBackoff,
): { state: ContainerStateStatus; lastState: ContainerStateStatus } {
  const state = shownState(container);
  const lastState = container.last ? { terminated: terminated(container.last) } : {};
  if (state.kind === 'running') return { state: { running: { startedAt: rfc3339(state.startedAt) } }, lastState };
  if (state.kind === 'terminated') {
    const again = !seen.ending && willRestart(pod, c, state.exitCode) && podOutcome(pod, seen) === 'running';
    const at = restartAt({ ...container, state }, backoff);
    if (!again || at === undefined || at <= state.finishedAt)
      return { state: { terminated: terminated(state) }, lastState };
    const delay = Math.round(restartDelay(container.crashes, backoff) / 1000);
    const message = `back-off ${delay}s restarting failed container=${c.name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    return {
      state: { waiting: { reason: 'CrashLoopBackOff', message } },
      lastState: { terminated: terminated(state) },
    };
  }
  const pending = (pod.spec.initContainers ?? []).length > 0 && !isInitialized(pod, seen);
  const reason = state.reason ?? (pending ? 'PodInitializing' : 'ContainerCreating');
  return { state: { waiting: { reason, ...(state.message ? { message: state.message } : {}) } }, lastState };
}

function terminated(end: Terminated): NonNullable<ContainerStateStatus['terminated']> {
  return {
    exitCode: end.exitCode,
    reason: end.reason,
    ...(end.message ? { message: end.message } : {}),
    startedAt: rfc3339(end.startedAt),
    finishedAt: rfc3339(end.finishedAt),
    ...(end.containerId ? { containerID: end.containerId } : {}),
  };
}

const OWN_CONDITIONS = new Set([
  'PodScheduled',
  'PodReadyToStartContainers',
  'Initialized',
  'ContainersReady',
  'Ready',
]);

type Verdict = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

function conditions(
  pod: Pod,
  seen: ObservedPod,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
  apps: readonly ContainerStatus[],
): readonly PodCondition[] {
  const before = new Map((pod.status?.conditions ?? []).map((c) => [c.type, c]));
  const containersReady = readiness(pod, seen, phase, inits, apps);
  const gates = (pod.spec.readinessGates ?? []).filter((g) => before.get(g.conditionType)?.status !== 'True');
  const ready: Verdict =
    containersReady.status === 'True' && gates.length > 0
      ? {
          type: 'Ready',
          status: 'False',
          reason: 'ReadinessGatesNotReady',
          message: `readiness gates not met: ${gates.map((g) => g.conditionType).join(', ')}`,
        }
      : { ...containersReady, type: 'Ready' };
  const own: Verdict[] = [
    { type: 'PodReadyToStartContainers', status: seen.sandbox.kind === 'ready' ? 'True' : 'False' },
    initializedCondition(pod, seen, phase, inits),
    ready,
    { ...containersReady, type: 'ContainersReady' },
    { type: 'PodScheduled', status: 'True' },
  ];
  const now = rfc3339(seen.now);
  const dated = own.map((verdict): PodCondition => {
    const old = before.get(verdict.type);
    const lastTransitionTime = old?.status === verdict.status && old.lastTransitionTime ? old.lastTransitionTime : now;
    const generation = pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation };
    return { ...withoutUndefined(verdict), lastProbeTime: null, lastTransitionTime, ...generation };
  });
  return [...(pod.status?.conditions ?? []).filter((c) => !OWN_CONDITIONS.has(c.type)), ...dated];
}

function readiness(
  pod: Pod,
  seen: ObservedPod,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
  apps: readonly ContainerStatus[],
): Verdict {
  if (phase === 'Succeeded') return { type: 'ContainersReady', status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type: 'ContainersReady', status: 'False', reason: 'PodFailed' };
  const sidecars = inits.filter((status) => {
    const c = pod.spec.initContainers?.find((i) => i.name === status.name);
    return c !== undefined && isSidecar(pod, c);
  });
  const unready = [...apps, ...sidecars].filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0 && isInitialized(pod, seen)) return { type: 'ContainersReady', status: 'True' };
  return {
    type: 'ContainersReady',
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function initializedCondition(
  pod: Pod,
  seen: ObservedPod,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
): Verdict {
  if (phase === 'Succeeded') return { type: 'Initialized', status: 'True', reason: 'PodCompleted' };
  if (isInitialized(pod, seen)) return { type: 'Initialized', status: 'True' };
  const waiting = inits.filter((s) => !s.ready && !s.started).map((s) => s.name);
  return {
    type: 'Initialized',
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${waiting.join(' ')}]`,
  };
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
