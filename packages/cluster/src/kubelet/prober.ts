import type { Container, Probe } from './pod.ts';
import type { ProbeResult } from './probe-result.ts';
import { countResult, hasFailed, initialState, type ProbeKind, type ProbeState } from './probe-state.ts';

/** What a prober tells its container. */
export interface ProbeListener {
  started(): void;
  ready(ready: boolean): void;
  /** The container has to be restarted. */
  failed(kind: 'startup' | 'liveness', probe: Probe, message: string): void;
  /** One failed attempt, for an event. */
  unhealthy(kind: ProbeKind, message: string): void;
}

/** Runs one check of a probe; never rejects. */
export type RunProbe = (probe: Probe, timeoutMs: number) => Promise<ProbeResult>;

/** First pause of the quick attempts below, doubled up to the probe's period. */
const EAGER_MS = 50;

/**
 * The probes of one container run: startup first, then liveness and readiness side by side. Until its first success a
 * startup or readiness probe is also tried between its periods, so that a pod of the embedded cluster is ready as soon as
 * it can be; such extra attempts count for success only, never towards failureThreshold.
 */
export class Prober {
  private readonly container: Container;
  private readonly run: RunProbe;
  private readonly listener: ProbeListener;
  private readonly timers = new Set<NodeJS.Timeout>();
  private stopped = false;
  private restarting = false;

  constructor(container: Container, run: RunProbe, listener: ProbeListener) {
    this.container = container;
    this.run = run;
    this.listener = listener;
  }

  /** Begins at the start of the container. */
  start(): void {
    const { startupProbe } = this.container;
    if (!startupProbe) {
      this.startSteady(true);
      return;
    }
    this.loop('startup', startupProbe, true, (state) => {
      if (!state.verdict) return true;
      this.startSteady(false);
      return false;
    });
  }

  /** Liveness must not restart what is being ended; readiness goes on until the end. */
  restartNoMore(): void {
    this.restarting = true;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private startSteady(initialDelays: boolean): void {
    this.listener.started();
    const { livenessProbe, readinessProbe } = this.container;
    if (livenessProbe) this.loop('liveness', livenessProbe, initialDelays, () => true);
    if (!readinessProbe) {
      this.listener.ready(true);
      return;
    }
    let ready = false;
    this.loop('readiness', readinessProbe, initialDelays, (state) => {
      if (state.verdict !== ready) {
        ready = state.verdict;
        this.listener.ready(ready);
      }
      return true;
    });
  }

  private loop(kind: ProbeKind, probe: Probe, initialDelay: boolean, onResult: (state: ProbeState) => boolean): void {
    const periodMs = Math.max(1, probe.periodSeconds ?? 10) * 1000;
    let state = initialState(kind);
    let due = Date.now() + (initialDelay ? (probe.initialDelaySeconds ?? 0) * 1000 : 0);
    let pause = EAGER_MS;
    let succeeded = false;
    const attempt = async (): Promise<void> => {
      const counted = Date.now() >= due;
      if (counted) due = Date.now() + periodMs;
      const result = await this.run(probe, Math.max(1, probe.timeoutSeconds ?? 1) * 1000);
      if (this.stopped) return;
      succeeded ||= result.success;
      if (result.success || counted) state = countResult(state, result.success, probe);
      if (!result.success && counted) this.listener.unhealthy(kind, result.message);
      if (kind !== 'readiness' && hasFailed(state, probe)) {
        if (this.restarting) return;
        this.restarting = true;
        this.listener.failed(kind, probe, result.message);
        return;
      }
      if (!onResult(state)) return;
      const eager = kind !== 'liveness' && !succeeded;
      const wait = Math.max(0, due - Date.now());
      this.after(eager ? Math.min(pause, wait) : wait, attempt);
      pause = Math.min(pause * 2, periodMs);
    };
    this.after(Math.max(0, due - Date.now()), attempt);
  }

  private after(ms: number, attempt: () => Promise<void>): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void attempt();
    }, ms);
    this.timers.add(timer);
  }
}
