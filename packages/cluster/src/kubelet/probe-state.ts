import type { Probe } from './pod.ts';

/** What a probe has found so far. */
export interface ProbeState {
  /** The verdict in force. */
  readonly verdict: boolean;
  /** Equal results in a row, and which. */
  readonly run: number;
  readonly last: boolean | undefined;
}

/** Kinds of probes; the kind decides the verdict before the first result. */
export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** Before the first result: alive, but neither started nor ready. */
export function initialState(kind: ProbeKind): ProbeState {
  return { verdict: kind === 'liveness', run: 0, last: undefined };
}

/**
 * Counts one result. The verdict turns only after successThreshold or failureThreshold equal results in a row
 * (Kubernetes docs, "Configure Probes").
 */
export function countResult(state: ProbeState, success: boolean, probe: Probe): ProbeState {
  const run = state.last === success ? state.run + 1 : 1;
  const needed = success ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { verdict: run >= needed ? success : state.verdict, run, last: success };
}

/** True when failures have reached the threshold: the container has to be restarted (startup, liveness). */
export function hasFailed(state: ProbeState, probe: Probe): boolean {
  return state.last === false && state.run >= (probe.failureThreshold ?? 3);
}
