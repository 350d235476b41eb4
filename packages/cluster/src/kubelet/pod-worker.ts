import { ApiError, TYPES } from '@osm/kube';
import { ContainerLife, type LifeOwner } from './container-life.ts';
import type { KubeletContext } from './context.ts';
import { type Ending, type ObservedPod, type Sandbox, UNSTARTED } from './observed.ts';
import { allContainers, type Pod, podKey } from './pod.ts';
import { PodDialer } from './pod-dialer.ts';
import { PodSandbox } from './pod-sandbox.ts';
import { podStatus } from './pod-status.ts';
import { resume } from './resume.ts';
import { type Action, graceMs, isInitialized, syncPod } from './sync-pod.ts';
import { unsupported } from './unsupported.ts';
import { volumeReferences, volumesTellOfChange } from './volume-files.ts';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 15_000;
const DELETE_RETRY_MS = 500;
/** Changes within this time become one status. */
const STATUS_PAUSE_MS = 5;

/** Runs one pod: observes, decides ({@link syncPod}), acts, reports. */
export class PodWorker implements LifeOwner {
  readonly context: KubeletContext;
  readonly sandbox: PodSandbox;
  /** Resolves when nothing of the pod is left on the node. */
  readonly done: Promise<void>;
  private resolveDone: () => void = () => {};
  private current: Pod;
  private readonly lives: ReadonlyMap<string, ContainerLife>;
  private readonly startTime: number;
  private box: Sandbox = { kind: 'absent' };
  private prepareRetryMs = FIRST_RETRY_MS;
  private ending: Ending | undefined;
  private initialized = false;
  private wake: NodeJS.Timeout | undefined;
  private publishing: NodeJS.Timeout | undefined;
  private refreshing: NodeJS.Timeout | undefined;
  private refreshed: Promise<void> = Promise.resolve();
  private dialling: PodDialer | undefined;
  private finishing = false;
  private stopped = false;
  /** The pod had ended before this kubelet came: its status stays as it is. */
  private readonly foundEnded: boolean;

  /** A pod with a status of an earlier kubelet is taken up where it stands. */
  constructor(context: KubeletContext, pod: Pod) {
    this.context = context;
    this.current = pod;
    this.sandbox = new PodSandbox(context, pod);
    this.done = new Promise((resolve) => {
      this.resolveDone = resolve;
    });
    const before = resume(pod, Date.now());
    this.startTime = before.startTime;
    this.lives = new Map(
      allContainers(pod).map((c) => [c.name, new ContainerLife(this, c, before.containers.get(c.name) ?? UNSTARTED)]),
    );
    this.foundEnded = before.ended;
    this.initialized = before.initialized;
    if (before.ended) this.box = { kind: 'released' };
    else for (const sentence of unsupported(pod)) context.events.record(pod, 'Warning', 'Unsupported', sentence);
    this.update(pod);
  }

  pod(): Pod {
    return this.current;
  }

  /** One container's life, by name. */
  life(container: string): ContainerLife | undefined {
    return this.lives.get(container);
  }

  /** Makes connections inside the pod's network, for port forwarding. */
  dialer(): PodDialer {
    this.dialling ??= new PodDialer(this.sandbox.netns);
    return this.dialling;
  }

  /** Takes over a newer version of the object. */
  update(pod: Pod): void {
    const outdated = volumesTellOfChange(this.current, pod);
    this.current = pod;
    if (outdated && this.box.kind === 'ready') this.refreshVolumes();
    if (pod.metadata.deletionTimestamp) {
      const seconds = pod.metadata.deletionGracePeriodSeconds;
      const deadline = Date.now() + (seconds === undefined ? graceMs(pod) : seconds * 1000);
      if (!this.ending) this.announceKilling();
      this.end({ cause: 'Deleted', deadline });
    }
    this.changed();
  }

  /** The object is gone from the API: everything ends at once. */
  gone(): void {
    this.end({ cause: 'Gone', deadline: Date.now() });
    for (const life of this.lives.values()) life.kill();
    this.changed();
  }

  /** A ConfigMap or Secret (`configmap/name`) of the pod's namespace has changed. */
  referenceChanged(reference: string): void {
    if (this.ending || this.stopped) return;
    for (const life of this.lives.values()) life.retry();
    if (this.box.kind === 'absent') this.box = { kind: 'absent' };
    else if (this.box.kind === 'ready' && volumeReferences(this.current).has(reference)) this.refreshVolumes();
    this.changed();
  }

  /** The kubelet stops: processes are killed, the object stays as it is. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.wake);
    clearTimeout(this.publishing);
    clearTimeout(this.refreshing);
    this.dialling?.close();
    for (const life of this.lives.values()) life.kill();
    await Promise.all([...this.lives.values()].map((life) => life.exited));
    await this.sandbox.release();
  }

  changed(): void {
    if (this.stopped || this.finishing) return;
    clearTimeout(this.wake);
    const seen = this.observe();
    if (isInitialized(this.current, seen) && this.box.kind === 'ready') this.initialized = true;
    const decision = syncPod(this.current, this.observe(), this.context.backoff);
    for (const action of decision.actions) this.act(action);
    if (decision.wakeAt !== undefined) {
      this.wake = setTimeout(() => this.changed(), Math.min(Math.max(decision.wakeAt - Date.now(), 1), 2 ** 31 - 1));
    }
    this.publishing ??= setTimeout(() => this.publish(), STATUS_PAUSE_MS);
  }

  private observe(): ObservedPod {
    return {
      now: Date.now(),
      startTime: this.startTime,
      sandbox: this.box,
      containers: new Map([...this.lives].map(([name, life]) => [name, life.observed])),
      ...(this.ending ? { ending: this.ending } : {}),
      initialized: this.initialized,
    };
  }

  private act(action: Action): void {
    switch (action.do) {
      case 'prepare':
        void this.prepare();
        return;
      case 'start':
        void this.lives.get(action.container)?.start();
        return;
      case 'stop':
        void this.lives
          .get(action.container)
          ?.stop(action.deadline, Promise.all(action.after.map((name) => this.lives.get(name)?.exited)));
        return;
      case 'expire':
        this.context.events.record(this.current, 'Warning', 'DeadlineExceeded', action.message);
        this.end({ cause: 'DeadlineExceeded', message: action.message, deadline: action.deadline });
        this.changed();
        return;
      case 'release':
        void this.release();
        return;
      case 'finish':
        void this.finish();
        return;
    }
  }

  private end(ending: Ending): void {
    // A deletion takes over from a deadline that has passed; otherwise only an earlier end counts.
    const deadline = Math.min(ending.deadline, this.ending?.deadline ?? Number.POSITIVE_INFINITY);
    this.ending = { ...ending, deadline };
    for (const life of this.lives.values()) life.hurry(deadline);
  }

  private announceKilling(): void {
    for (const life of this.lives.values()) {
      if (life.running)
        this.context.events.record(
          this.current,
          'Normal',
          'Killing',
          `Stopping container ${life.container.name}`,
          life.container.name,
        );
    }
  }

  private async prepare(): Promise<void> {
    this.box = { kind: 'creating' };
    try {
      await this.sandbox.prepare(this.current);
      this.box = { kind: 'ready', ip: this.sandbox.ip };
      this.scheduleTokenRefresh();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const reason = error instanceof Error && error.name === 'VolumeError' ? 'FailedMount' : 'FailedCreatePodSandBox';
      this.context.events.record(this.current, 'Warning', reason, message);
      this.box = { kind: 'absent', message: `${reason}: ${message}`, retryAt: Date.now() + this.prepareRetryMs };
      this.prepareRetryMs = Math.min(this.prepareRetryMs * 2, LAST_RETRY_MS);
    }
    this.changed();
  }

  private async release(): Promise<void> {
    this.box = { kind: 'releasing' };
    this.dialling?.close();
    this.dialling = undefined;
    clearTimeout(this.refreshing);
    await this.sandbox.release().catch((error: unknown) => {
      this.context.log(
        `cannot release everything of pod ${podKey(this.current)}: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    this.box = { kind: 'released' };
    this.context.objects.forget(this.current);
    if (this.ending?.cause === 'Gone') await this.clear();
    else this.changed();
  }

  private async finish(): Promise<void> {
    this.finishing = true;
    clearTimeout(this.publishing);
    this.publish();
    await this.context.statuses.settled(this.current);
    for (;;) {
      try {
        const uid = this.current.metadata.uid;
        await this.context.client.delete(TYPES.pods, this.current.metadata.name, {
          namespace: this.current.metadata.namespace ?? 'default',
          gracePeriodSeconds: 0,
          ...(uid ? { preconditions: { uid } } : {}),
        });
        break;
      } catch (error) {
        if (error instanceof ApiError && (error.code === 404 || error.code === 409)) break;
        if (this.stopped) return;
        await new Promise((resolve) => setTimeout(resolve, DELETE_RETRY_MS));
      }
    }
    await this.clear();
  }

  private async clear(): Promise<void> {
    this.finishing = true;
    clearTimeout(this.wake);
    clearTimeout(this.publishing);
    this.context.statuses.forget(this.current);
    await this.sandbox.remove();
    this.resolveDone();
  }

  private publish(): void {
    this.publishing = undefined;
    if (this.stopped || this.foundEnded || this.ending?.cause === 'Gone') return;
    this.context.statuses.write(
      this.current,
      podStatus(this.current, this.observe(), { hostIP: this.context.hostIP, backoff: this.context.backoff }),
    );
  }

  /** One at a time, so that what was read first never overwrites what was read later. */
  private refreshVolumes(): void {
    this.refreshed = this.refreshed.then(() => this.rewriteVolumes());
  }

  private async rewriteVolumes(): Promise<void> {
    if (this.stopped || this.box.kind !== 'ready') return;
    try {
      await this.sandbox.volumes.refresh(this.current, this.sandbox.node, this.context.objects.sourcesOf(this.current));
    } catch (error) {
      this.context.events.record(
        this.current,
        'Warning',
        'FailedMount',
        error instanceof Error ? error.message : String(error),
      );
    }
    this.scheduleTokenRefresh();
  }

  private scheduleTokenRefresh(): void {
    clearTimeout(this.refreshing);
    const at = this.context.objects.refreshAt(this.current);
    if (at === undefined || this.stopped || this.box.kind !== 'ready') return;
    const wait = Math.max(at - Date.now(), 1000);
    this.refreshing = setTimeout(() => this.refreshVolumes(), Math.min(wait, 2 ** 31 - 1));
  }
}
