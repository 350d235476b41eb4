import { crashesAfter } from './backoff.ts';
import { ContainerConfigError } from './capabilities.ts';
import type { ProcessExit } from './container-process.ts';
import type { KubeletContext } from './context.ts';
import { Deadline } from './deadline.ts';
import { enterCommand, runEntered } from './enter.ts';
import { runHook } from './lifecycle-hook.ts';
import { type ObservedContainer, type Resting, type Terminated, UNSTARTED } from './observed.ts';
import type { Container, Pod, Probe } from './pod.ts';
import type { PodSandbox } from './pod-sandbox.ts';
import { checkProbe, type ProbeTarget } from './probe-check.ts';
import { Prober } from './prober.ts';
import { ImageError, type RunningContainer, startContainer } from './running-container.ts';
import { willRestart } from './sync-pod.ts';
import { VolumeError } from './volume-files.ts';

/** Whatever the grace period says, SIGTERM is given this long before SIGKILL, as the kubelet does. */
const LEAST_GRACE_MS = 2000;
/** Pause before an image or a configuration that was missing is looked for again; both are cheap local look-ups. */
const RETRY_MS = 2000;

/** What a container's life needs of its pod. */
export interface LifeOwner {
  readonly context: KubeletContext;
  readonly sandbox: PodSandbox;
  pod(): Pod;
  /** Something observed has changed. */
  changed(): void;
}

/** One container of a pod through all its runs. */
export class ContainerLife {
  readonly container: Container;
  private readonly owner: LifeOwner;
  private seen: ObservedContainer;
  private current: RunningContainer | undefined;
  private prober: Prober | undefined;
  private stopDeadline: Deadline | undefined;
  /** Settles when the present run has ended; settled while there is none. */
  private ended: Promise<void> = Promise.resolve();

  constructor(owner: LifeOwner, container: Container, seen: ObservedContainer = UNSTARTED) {
    this.owner = owner;
    this.container = container;
    this.seen = seen;
  }

  get observed(): ObservedContainer {
    return this.seen;
  }

  /** The present run, for exec, attach and logs. */
  get running(): RunningContainer | undefined {
    return this.current;
  }

  /** Resolves when no process of the container is left. */
  get exited(): Promise<void> {
    return this.ended;
  }

  /** Starts the next run; outcome and failures appear in {@link observed}. */
  async start(): Promise<void> {
    const { context, sandbox } = this.owner;
    const pod = this.owner.pod();
    const shown = this.resting();
    const attempt = shown.kind === 'terminated' ? this.seen.restartCount + 1 : this.seen.restartCount;
    this.see({ state: { kind: 'starting', shown } });
    const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      context.events.record(pod, type, reason, message, this.container.name);
    try {
      const running = await startContainer(context, pod, this.container, sandbox, attempt, () => {
        event('Normal', 'Pulled', `Container image "${this.container.image}" already present on machine`);
      });
      event('Normal', 'Created', `Created container: ${this.container.name}`);
      event('Normal', 'Started', `Started container ${this.container.name}`);
      this.begin(running, shown, attempt);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const reason = waitingReason(error, shown);
      if (reason !== undefined) {
        if (shown.kind !== 'waiting' || shown.message !== message) event('Warning', 'Failed', `${reason}: ${message}`);
        const state = { kind: 'waiting', reason, message } as const;
        const last = shown.kind === 'terminated' ? { last: terminatedOf(shown), restartCount: attempt } : {};
        this.see({ state, retryAt: Date.now() + RETRY_MS, ...last });
      } else {
        event('Warning', 'Failed', `Error: ${message}`);
        const now = Date.now();
        const last = shown.kind === 'terminated' ? { last: terminatedOf(shown) } : {};
        const state = {
          kind: 'terminated',
          exitCode: 128,
          reason: 'StartError',
          message,
          startedAt: now,
          finishedAt: now,
          containerId: '',
        } as const;
        this.see({ ...last, state, restartCount: attempt, crashes: this.seen.crashes + 1 });
      }
    }
    this.owner.changed();
  }

  /**
   * Ends the present run: preStop, then SIGTERM once `turn` settles, then SIGKILL at the deadline (ms). The time of
   * preStop and of waiting counts in the grace period (Kubernetes docs, "Termination of Pods").
   */
  async stop(deadlineMs: number, turn: Promise<unknown> = Promise.resolve()): Promise<void> {
    const { current: running } = this;
    if (!running || this.seen.state.kind !== 'running' || this.seen.state.stopping) return;
    const deadline = new Deadline(deadlineMs);
    this.stopDeadline = deadline;
    this.prober?.restartNoMore();
    this.see({ state: { ...this.seen.state, stopping: true } });
    const hook = this.container.lifecycle?.preStop;
    if (hook && deadline.remainingMs > 0) {
      const abort = new AbortController();
      const done = runHook(hook, this.target(running, abort.signal), abort.signal).then((message) => {
        if (message && !abort.signal.aborted) this.warn('FailedPreStopHook', `PreStopHook failed: ${message}`);
      });
      await deadline.race(Promise.race([done, this.ended]));
      abort.abort();
    }
    await deadline.race(Promise.race([turn, this.ended]));
    running.process.signal('SIGTERM');
    if (await deadline.race(this.ended, LEAST_GRACE_MS)) return;
    running.process.signal('SIGKILL');
    await this.ended;
  }

  /** Brings the end of a stop under way forward. */
  hurry(deadlineMs: number): void {
    this.stopDeadline?.shorten(deadlineMs);
  }

  /** Ends the run at once. */
  kill(): void {
    this.prober?.stop();
    this.current?.process.signal('SIGKILL');
  }

  /** Lets a waiting container try again now, because something it waits for may have come. */
  retry(): void {
    if (this.seen.state.kind === 'waiting') this.see({ retryAt: Date.now() });
  }

  private begin(running: RunningContainer, shown: Resting, attempt: number): void {
    this.current = running;
    const { lifecycle } = this.container;
    this.see({
      state: { kind: 'running', startedAt: running.startedAt, containerId: running.id, stopping: false },
      ...(shown.kind === 'terminated' ? { last: terminatedOf(shown) } : {}),
      restartCount: attempt,
      imageId: running.imageId,
      postStartDone: !lifecycle?.postStart,
      startupDone: false,
      ready: false,
    });
    this.ended = running.process.exited.then((exit) => this.finish(running, exit));
    const pod = this.owner.pod();
    const prober = new Prober(
      this.container,
      (probe, timeoutMs) => checkProbe(probe, this.target(running), timeoutMs),
      {
        started: () => this.while(running, { startupDone: true }),
        ready: (ready) => this.while(running, { ready }),
        unhealthy: (kind, message) =>
          this.warn('Unhealthy', `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${message}`),
        failed: (kind, probe) => this.restartFor(kind, probe, pod),
      },
    );
    this.prober = prober;
    prober.start();
    if (lifecycle?.postStart) void this.postStart(running, lifecycle.postStart);
  }

  private async postStart(
    running: RunningContainer,
    hook: NonNullable<NonNullable<Container['lifecycle']>['postStart']>,
  ): Promise<void> {
    const abort = new AbortController();
    void this.ended.then(() => abort.abort());
    const message = await runHook(hook, this.target(running, abort.signal), abort.signal);
    if (this.current !== running) return;
    if (message === '') {
      this.while(running, { postStartDone: true });
    } else {
      this.warn('FailedPostStartHook', `PostStartHook failed: ${message}`);
      await this.stop(Date.now() + (this.owner.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000);
    }
  }

  private restartFor(kind: 'startup' | 'liveness', probe: Probe, pod: Pod): void {
    this.owner.context.events.record(
      pod,
      'Normal',
      'Killing',
      `Container ${this.container.name} failed ${kind} probe, will be restarted`,
      this.container.name,
    );
    const seconds = probe.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    void this.stop(Date.now() + seconds * 1000).then(() => this.owner.changed());
    this.owner.changed();
  }

  private async finish(running: RunningContainer, exit: ProcessExit): Promise<void> {
    this.prober?.stop();
    const finishedAt = Date.now();
    running.log.close();
    const message = await running.terminationMessage(exit).catch(() => '');
    await running
      .cleanUp()
      .catch((error: unknown) =>
        this.owner.context.log(`cannot remove the files of container ${this.container.name}: ${String(error)}`),
      );
    const exitCode = exit.kind === 'exited' ? exit.exitCode : 128;
    const reason = exit.kind === 'failed' ? 'StartError' : exitCode === 0 ? 'Completed' : 'Error';
    if (exit.kind === 'failed') this.warn('Failed', `Error: ${exit.message}`);
    const ranMs = finishedAt - running.startedAt;
    this.current = undefined;
    this.stopDeadline = undefined;
    this.see({
      state: {
        kind: 'terminated',
        exitCode,
        reason,
        ...(message ? { message } : {}),
        startedAt: running.startedAt,
        finishedAt,
        containerId: running.id,
      },
      crashes: crashesAfter(this.seen.crashes, ranMs, this.owner.context.backoff),
      ready: false,
      startupDone: false,
    });
    const pod = this.owner.pod();
    if (this.seen.crashes > 1 && !pod.metadata.deletionTimestamp && willRestart(pod, this.container, exitCode)) {
      const { name, namespace, uid } = pod.metadata;
      this.warn(
        'BackOff',
        `Back-off restarting failed container ${this.container.name} in pod ${name}_${namespace}(${uid})`,
      );
    }
    this.owner.changed();
  }

  private target(running: RunningContainer, signal?: AbortSignal): ProbeTarget {
    return {
      ip: this.owner.sandbox.ip,
      container: this.container,
      exec: (command, timeoutMs) =>
        runEntered(enterCommand(this.owner.context.launcher, running, command), timeoutMs, signal),
    };
  }

  /** Takes over a change if the run it belongs to is still the present one. */
  private while(running: RunningContainer, change: Partial<ObservedContainer>): void {
    if (this.current !== running || this.seen.state.kind !== 'running') return;
    this.see(change);
    this.owner.changed();
  }

  private warn(reason: string, message: string): void {
    this.owner.context.events.record(this.owner.pod(), 'Warning', reason, message, this.container.name);
  }

  private resting(): Resting {
    const { state } = this.seen;
    return state.kind === 'waiting' || state.kind === 'terminated' ? state : { kind: 'waiting' };
  }

  private see(change: Partial<ObservedContainer>): void {
    this.seen = { ...this.seen, ...change };
  }
}

/** The waiting reason of a start that may be repeated; undefined for a failure of the process itself. */
function waitingReason(error: unknown, shown: Resting): string | undefined {
  if (error instanceof ImageError) {
    return shown.kind === 'waiting' && shown.message === error.message ? 'ImagePullBackOff' : 'ErrImagePull';
  }
  return error instanceof ContainerConfigError || error instanceof VolumeError
    ? 'CreateContainerConfigError'
    : undefined;
}

function terminatedOf(state: Terminated): Terminated {
  const { exitCode, reason, message, startedAt, finishedAt, containerId } = state;
  return { exitCode, reason, ...(message === undefined ? {} : { message }), startedAt, finishedAt, containerId };
}
