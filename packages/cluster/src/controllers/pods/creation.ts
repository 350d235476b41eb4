import type { KubeObject } from '@osm/kube';
import { isNamespaceGoing } from '../api-faults.ts';
import type { ControllerContext } from '../context.ts';
import type { Pod } from '../objects.ts';
import type { NewPod } from './new-pod.ts';

/** First and last wait between tries to create pods that the API refuses, in milliseconds. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

interface Failure {
  readonly times: number;
  readonly retryAt: number;
  readonly message: string;
  /** True when a webhook did not answer: as soon as it may, the creation is tried again. */
  readonly webhook: boolean;
}

/** How a batch of creations ended. */
export interface Created {
  readonly pods: readonly Pod[];
  /** Of the first creation that failed. */
  readonly failure?: string;
}

const isWebhookDown = (message: string): boolean => /failed calling webhook|no endpoints available/i.test(message);

/**
 * Creates pods for owners, in batches that double (1, 2, 4 …) so that a template which is refused costs one request, and
 * remembers who failed: an owner that did waits 0.5 to 30 s, or until the webhook that was away may be back.
 */
export class PodCreation {
  readonly #context: ControllerContext;
  readonly #recorder;
  readonly #failures = new Map<string, Failure>();

  /** `component` names the controller in events. */
  constructor(context: ControllerContext, component: string) {
    this.#context = context;
    this.#recorder = context.recorder(component);
  }

  /** Milliseconds that this owner has to wait; 0 when it may try. */
  wait(owner: KubeObject): number {
    const failure = this.#failures.get(owner.metadata.uid ?? '');
    return failure === undefined ? 0 : Math.max(0, failure.retryAt - this.#context.now());
  }

  /** Why the last try failed; undefined when it did not. */
  failure(owner: KubeObject): string | undefined {
    return this.#failures.get(owner.metadata.uid ?? '')?.message;
  }

  forget(owner: KubeObject): void {
    this.#failures.delete(owner.metadata.uid ?? '');
  }

  /** A webhook may be back: nobody who waits for one has to wait any longer. Returns their uids. */
  releaseWebhookWaits(): readonly string[] {
    const released: string[] = [];
    for (const [uid, failure] of this.#failures) {
      if (!failure.webhook || failure.retryAt <= this.#context.now()) continue;
      // What answers again may take a moment to be reached: the back-off begins anew.
      this.#failures.set(uid, { ...failure, times: 0, retryAt: 0 });
      released.push(uid);
    }
    return released;
  }

  /** Creates the pods. Never rejects: what failed is in the answer, in an event and in {@link failure}. */
  async create(owner: KubeObject, wanted: readonly NewPod[]): Promise<Created> {
    const pods: Pod[] = [];
    let failure: string | undefined;
    for (let done = 0, size = 1; done < wanted.length && failure === undefined; done += size, size *= 2) {
      const batch = wanted.slice(done, done + size);
      const results = await Promise.allSettled(batch.map((pod) => this.#context.mirrors.pods.create(pod)));
      for (const result of results) {
        if (result.status === 'fulfilled') {
          pods.push(result.value);
          const name = result.value.metadata.name;
          this.#recorder.record(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`);
        } else failure ??= this.#failed(owner, result.reason);
      }
    }
    if (failure === undefined && wanted.length > 0) this.forget(owner);
    return failure === undefined ? { pods } : { pods, failure };
  }

  #failed(owner: KubeObject, error: unknown): string | undefined {
    // The owner goes with its namespace: nothing is to be said or tried again.
    if (isNamespaceGoing(error)) return undefined;
    const uid = owner.metadata.uid ?? '';
    const message = error instanceof Error ? error.message : String(error);
    const times = (this.#failures.get(uid)?.times ?? 0) + 1;
    const retryAt = this.#context.now() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (times - 1));
    this.#failures.set(uid, { times, retryAt, message, webhook: isWebhookDown(message) });
    this.#recorder.record(owner, 'Warning', 'FailedCreate', `Error creating: ${message}`);
    return message;
  }
}
