/** What the kubelet knows of a pod's reality at one moment; the input of the pure decisions in `sync-pod.ts` and `pod-status.ts`. */
export interface ObservedPod {
  /** Milliseconds since the epoch, the one clock of a decision. */
  readonly now: number;
  /** When the kubelet first took the pod up. */
  readonly startTime: number;
  /** Network and volumes, made together before the first container. */
  readonly sandbox: Sandbox;
  readonly containers: ReadonlyMap<string, ObservedContainer>;
  /** Set once the pod has to end whatever its containers do. */
  readonly ending?: Ending;
  /** True from the moment every init container has done its part; sticky while the sandbox lives. */
  readonly initialized: boolean;
}

/** The pod's network namespace and volumes. */
export type Sandbox =
  | { readonly kind: 'absent'; readonly retryAt?: number; readonly message?: string }
  | { readonly kind: 'creating'; readonly message?: string }
  | { readonly kind: 'ready'; readonly ip: string }
  | { readonly kind: 'releasing' }
  | { readonly kind: 'released' };

/** Why and until when a pod ends. */
export interface Ending {
  readonly cause: 'Deleted' | 'Gone' | 'DeadlineExceeded';
  readonly message?: string;
  /** When the grace period is over (ms). */
  readonly deadline: number;
}

/** How a container ended. Exit code 128+n after signal n, as container runtimes report it. */
export interface Terminated {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly containerId: string;
}

/** A container without a process: not yet started, or ended. */
export type Resting =
  | { readonly kind: 'waiting'; readonly reason?: string; readonly message?: string }
  | ({ readonly kind: 'terminated' } & Terminated);

/** One container as the kubelet sees it. */
export interface ObservedContainer {
  readonly state:
    | Resting
    /** Image, configuration and process are being made; meanwhile the state before is shown. */
    | { readonly kind: 'starting'; readonly shown: Resting }
    | {
        readonly kind: 'running';
        readonly startedAt: number;
        readonly containerId: string;
        readonly stopping: boolean;
      };
  /** The run before the present one. */
  readonly last?: Terminated;
  readonly restartCount: number;
  /** Restarts in a row without a long healthy run; drives the back-off. */
  readonly crashes: number;
  /** A failed attempt to start (image, configuration) may be repeated from here on (ms). */
  readonly retryAt?: number;
  readonly imageId: string;
  /** postStart has ended well (or there is none). */
  readonly postStartDone: boolean;
  /** The startup probe has succeeded (or there is none). */
  readonly startupDone: boolean;
  /** The readiness probe's verdict (true when there is none). */
  readonly ready: boolean;
}

/** A container that has never been started. */
export const UNSTARTED: ObservedContainer = Object.freeze({
  state: Object.freeze({ kind: 'waiting' as const }),
  restartCount: 0,
  crashes: 0,
  imageId: '',
  postStartDone: false,
  startupDone: false,
  ready: false,
});

/** `started` of the container status: running, postStart done, startup probe passed. */
export function isStarted(container: ObservedContainer): boolean {
  return container.state.kind === 'running' && container.postStartDone && container.startupDone;
}
