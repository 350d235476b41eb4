import type { KubeObject } from '@osm/kube';
import { at, list, number, record, text } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { AGE, column, NAME, wide } from './column.ts';
import { humanDuration } from './duration.ts';

/** What `kubectl get pods` says of a pod. */
export interface PodSummary {
  readonly ready: number;
  readonly containers: number;
  readonly status: string;
  readonly restarts: number;
  /** End of the newest terminated container that was restarted. */
  readonly lastRestart?: Date;
}

/**
 * Folds a pod's phase, container states and conditions into the one word users read: the first init container that
 * is not done speaks for the pod; otherwise the first container that waits or has ended does; deletion overrides.
 */
export const summarizePod = (pod: KubeObject): PodSummary => {
  const status = record(pod.status);
  const sidecars = sidecarNames(pod);
  const initial = text(status.reason) || text(status.phase) || 'Unknown';
  const init = summarizeInit(pod, sidecars);
  const main = summarizeContainers(pod, init.word ?? initial);
  const initialized = init.word === undefined || hasCondition(pod, 'Initialized');
  const restartsOf = initialized ? [...init.sidecarRestarts, ...main.restarts] : init.restarts;
  const ends = restartsOf.map(({ ended }) => ended).filter((ended) => ended > 0);
  const word = initialized ? main.word : (init.word ?? initial);
  return {
    ready: init.ready + (initialized ? main.ready : 0),
    containers: list(at(pod, 'spec', 'containers')).length + sidecars.size,
    status: deletionWord(pod) ?? gatedWord(pod, word),
    restarts: restartsOf.reduce((sum, { count }) => sum + count, 0),
    ...(ends.length > 0 ? { lastRestart: new Date(Math.max(...ends)) } : {}),
  };
};

interface Restarts {
  readonly count: number;
  /** Milliseconds since the epoch; 0 when the container never ended. */
  readonly ended: number;
}

const restartsOf = (status: unknown): Restarts => {
  const ended = Date.parse(text(at(status, 'lastState', 'terminated', 'finishedAt')));
  return { count: number(at(status, 'restartCount')), ended: Number.isNaN(ended) ? 0 : ended };
};

const sidecarNames = (pod: KubeObject): ReadonlySet<string> =>
  new Set(
    list(at(pod, 'spec', 'initContainers'))
      .filter((container) => at(container, 'restartPolicy') === 'Always')
      .map((container) => text(at(container, 'name'))),
  );

const summarizeInit = (pod: KubeObject, sidecars: ReadonlySet<string>) => {
  const restarts: Restarts[] = [];
  const sidecarRestarts: Restarts[] = [];
  const total = list(at(pod, 'spec', 'initContainers')).length;
  let ready = 0;
  let word: string | undefined;
  for (const [index, status] of list(at(pod, 'status', 'initContainerStatuses')).entries()) {
    const sidecar = sidecars.has(text(at(status, 'name')));
    restarts.push(restartsOf(status));
    if (sidecar) sidecarRestarts.push(restartsOf(status));
    const terminated = at(status, 'state', 'terminated');
    const waiting = text(at(status, 'state', 'waiting', 'reason'));
    if (terminated !== undefined && number(at(terminated, 'exitCode')) === 0) continue;
    if (sidecar && at(status, 'started') === true) {
      if (at(status, 'ready') === true) ready += 1;
      continue;
    }
    if (terminated !== undefined) word = `Init:${terminatedWord(terminated)}`;
    else if (waiting !== '' && waiting !== 'PodInitializing') word = `Init:${waiting}`;
    else word = `Init:${index}/${total}`;
    break;
  }
  return { restarts, sidecarRestarts, ready, word };
};

const summarizeContainers = (pod: KubeObject, initial: string) => {
  const restarts: Restarts[] = [];
  let ready = 0;
  let running = false;
  let word = initial;
  for (const status of [...list(at(pod, 'status', 'containerStatuses'))].reverse()) {
    restarts.push(restartsOf(status));
    const waiting = text(at(status, 'state', 'waiting', 'reason'));
    const terminated = at(status, 'state', 'terminated');
    if (waiting !== '') word = waiting;
    else if (terminated !== undefined) word = terminatedWord(terminated);
    else if (at(status, 'ready') === true && at(status, 'state', 'running') !== undefined) {
      running = true;
      ready += 1;
    }
  }
  // A pod with one finished and one running container is running as long as it is ready.
  if (word === 'Completed' && running) word = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  return { restarts, ready, word };
};

const terminatedWord = (terminated: unknown): string => {
  const reason = text(at(terminated, 'reason'));
  if (reason !== '') return reason;
  const signal = number(at(terminated, 'signal'));
  return signal === 0 ? `ExitCode:${number(at(terminated, 'exitCode'))}` : `Signal:${signal}`;
};

const deletionWord = (pod: KubeObject): string | undefined => {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (at(pod, 'status', 'reason') === 'NodeLost') return 'Unknown';
  const phase = at(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
};

const gatedWord = (pod: KubeObject, word: string): string => {
  const gated = list(at(pod, 'status', 'conditions')).some(
    (condition) => at(condition, 'type') === 'PodScheduled' && at(condition, 'reason') === 'SchedulingGated',
  );
  return gated && word === 'Pending' ? 'SchedulingGated' : word;
};

const hasCondition = (pod: KubeObject, type: string): boolean =>
  list(at(pod, 'status', 'conditions')).some(
    (condition) => at(condition, 'type') === type && at(condition, 'status') === 'True',
  );

const readinessGates = (pod: KubeObject): string => {
  const gates = list(at(pod, 'spec', 'readinessGates'));
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) => hasCondition(pod, text(at(gate, 'conditionType')))).length;
  return `${met}/${gates.length}`;
};

/** The columns of `kubectl get pods`. */
export const POD_COLUMNS: readonly PrinterColumn[] = Object.freeze([
  NAME,
  column('Ready', (pod) => {
    const { ready, containers } = summarizePod(pod);
    return `${ready}/${containers}`;
  }),
  column('Status', (pod) => summarizePod(pod).status),
  column('Restarts', (pod, now) => {
    const { restarts, lastRestart } = summarizePod(pod);
    if (restarts === 0 || lastRestart === undefined) return String(restarts);
    return `${restarts} (${humanDuration(now.getTime() - lastRestart.getTime())} ago)`;
  }),
  AGE,
  wide('IP', (pod) => text(at(pod, 'status', 'podIP')) || '<none>'),
  wide('Node', (pod) => text(at(pod, 'spec', 'nodeName')) || '<none>'),
  wide('Nominated Node', (pod) => text(at(pod, 'status', 'nominatedNodeName')) || '<none>'),
  wide('Readiness Gates', readinessGates),
]);
