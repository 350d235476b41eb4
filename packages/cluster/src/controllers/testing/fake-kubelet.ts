import { createInformer, type Informer, type KubeClient, TYPES } from '@osm/kube';
import type { Pod } from '../objects.ts';
import { isFinished } from '../pod-facts.ts';

/** How the pods of a fake kubelet fare. */
export interface PodFate {
  /** False keeps new pods from becoming ready. Default true. */
  ready: boolean;
  /** Phase in which pods that are not restarted end; 'Running' keeps them. */
  end: 'Running' | 'Succeeded' | 'Failed';
  /** False keeps pods that are being deleted. Default true. */
  letGo: boolean;
}

/** Plays pods by writing their status as a kubelet would, without any process. */
export class FakeKubelet {
  /** May be changed at any time; {@link replay} applies it to the pods that are there. */
  readonly fate: PodFate = { ready: true, end: 'Running', letGo: true };
  readonly #client: KubeClient;
  #pods: Informer<Pod> | undefined;
  #addresses = 0;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async start(): Promise<this> {
    this.#pods = createInformer<Pod>(this.#client, TYPES.pods);
    this.#pods.subscribe(({ type, object }) => {
      if (type !== 'deleted') void this.#play(object).catch(() => {});
    });
    await this.#pods.synced;
    return this;
  }

  replay(): void {
    for (const pod of this.#pods?.objects.values() ?? []) void this.#play(pod).catch(() => {});
  }

  /** Writes a status of the test's own. */
  async set(pod: Pod, phase: string, ready: boolean, more: object = {}): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    const at = new Date().toISOString();
    const before = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const condition = { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at };
    this.#addresses += 1;
    const status = {
      phase,
      podIP: pod.status?.podIP ?? `10.1.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 1}`,
      conditions: [...before, condition],
      ...more,
    };
    const body = { metadata: { uid }, status };
    await this.#client.patch(TYPES.pods, name, 'merge', body, { namespace, subresource: 'status' });
  }

  stop(): void {
    this.#pods?.stop();
  }

  async #play(pod: Pod): Promise<void> {
    if ((pod.spec.nodeName ?? '') === '') return;
    const { name, namespace = '', uid = '', deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      if (!this.fate.letGo || deletionGracePeriodSeconds === 0) return;
      await this.#client.delete(TYPES.pods, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    }
    if (isFinished(pod)) return;
    const restarts = pod.spec.restartPolicy === undefined || pod.spec.restartPolicy === 'Always';
    const phase = restarts ? 'Running' : this.fate.end;
    const ready = phase === 'Running' && this.fate.ready;
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    if (pod.status?.phase === phase && (isReady || !ready)) return;
    await this.set(pod, phase, ready);
  }
}
