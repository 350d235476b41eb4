import { objectKey } from '@osm/kube';
import { matchesSelector } from '../../selectors/label-match.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { startLoop } from '../loop.ts';
import type { Pod, ReplicaSet } from '../objects.ts';
import { withController, withoutOwner } from '../ownership.ts';
import { PodCreation } from '../pods/creation.ts';
import { followPods } from '../pods/follow.ts';
import { newPod } from '../pods/new-pod.ts';
import { followWebhooks } from '../pods/webhook-return.ts';
import { earliest } from '../time.ts';
import { planReplicaSet, type ReplicaSetFacts } from './plan.ts';

const COMPONENT = 'replicaset-controller';

/** Keeps as many pods of each ReplicaSet as it says. */
export const startReplicaSets = (context: ControllerContext): Controller => {
  const { pods, replicaSets, podsByController } = context.mirrors;
  const recorder = context.recorder(COMPONENT);
  const creation = new PodCreation(context, COMPONENT);
  const byNamespace = replicaSets.index((set) => [set.metadata.namespace ?? '']);
  const byUid = replicaSets.index((set) => [set.metadata.uid ?? '']);
  /** Pods of the namespace that nobody controls: the set may adopt them. */
  const orphansOf = ({ metadata }: ReplicaSet): readonly Pod[] =>
    podsByController.of('').filter((pod) => pod.metadata.namespace === metadata.namespace);

  const facts = (set: ReplicaSet, failure?: ReplicaSetFacts['failure']): ReplicaSetFacts => ({
    set,
    candidates: [...podsByController.of(set.metadata.uid ?? ''), ...orphansOf(set)],
    ...(failure === undefined ? {} : { failure }),
    nowMs: context.now(),
  });

  const setOwners = async (set: ReplicaSet, adopt: readonly Pod[], release: readonly Pod[]): Promise<void> => {
    const write = (pod: Pod, ownerReferences: readonly object[]) => {
      const { uid, resourceVersion } = pod.metadata;
      return pods.patch(pod, 'merge', { metadata: { uid, resourceVersion, ownerReferences } });
    };
    await Promise.all([
      ...adopt.map((pod) => write(pod, withController(pod, set))),
      ...release.map((pod) => write(pod, withoutOwner(pod, set.metadata.uid ?? ''))),
    ]);
  };

  const scale = async (
    set: ReplicaSet,
    create: number,
    remove: readonly Pod[],
  ): Promise<ReplicaSetFacts['failure']> => {
    if (create > 0 && creation.wait(set) === 0)
      await creation.create(
        set,
        Array.from({ length: create }, () => newPod(set, set.spec.template)),
      );
    if (create === 0) creation.forget(set);
    const results = await Promise.allSettled(
      remove.map(async (pod) => {
        await pods.delete(pod);
        recorder.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
      }),
    );
    const refused = results.find((result) => result.status === 'rejected');
    if (refused !== undefined) {
      const message = refused.reason instanceof Error ? refused.reason.message : String(refused.reason);
      recorder.record(set, 'Warning', 'FailedDelete', `Error deleting: ${message}`);
      return { reason: 'FailedDelete', message };
    }
    const message = creation.failure(set);
    return message === undefined ? undefined : { reason: 'FailedCreate', message };
  };

  const loop = startLoop(context, {
    name: 'replicaset',
    async reconcile(key) {
      const set = replicaSets.get(key);
      if (set === undefined) return undefined;
      const plan = planReplicaSet(facts(set));
      await setOwners(set, plan.claim.adopt, plan.claim.release);
      const failure = await scale(set, plan.create, plan.remove);
      // What has just been written is in the mirror, so the status is that of the new state.
      const current = replicaSets.get(key);
      if (current === undefined || current.metadata.uid !== set.metadata.uid) return undefined;
      const { status, lookAgainAt } = planReplicaSet(facts(current, failure));
      if (status !== undefined) await replicaSets.updateStatus(current, status);
      const waits = failure === undefined ? undefined : Math.max(creation.wait(set), 1);
      return earliest(waits, lookAgainAt === undefined ? undefined : lookAgainAt - context.now());
    },
  });

  const unsubscribe = [
    replicaSets.subscribe(({ type, object }) => {
      if (type === 'deleted') creation.forget(object);
      loop.add(objectKey(object));
    }),
    followPods(pods, 'ReplicaSet', {
      owner: (key) => loop.add(key),
      orphan(pod) {
        for (const set of byNamespace.of(pod.metadata.namespace ?? ''))
          if (matchesSelector(set.spec.selector, pod.metadata.labels)) loop.add(objectKey(set));
      },
    }),
    followWebhooks(context, () => {
      for (const uid of creation.releaseWebhookWaits()) for (const set of byUid.of(uid)) loop.add(objectKey(set));
    }),
  ];
  return {
    async stop() {
      for (const end of unsubscribe) end();
      await loop.stop();
    },
  };
};
