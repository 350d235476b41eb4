import { objectKey, TYPES } from '@osm/kube';
import { sameJson } from '../../store/fields.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { createHistory } from '../history/keep.ts';
import { REVISION_LABEL } from '../history/plan.ts';
import { startLoop } from '../loop.ts';
import { PodCreation } from '../pods/creation.ts';
import { followPods } from '../pods/follow.ts';
import { followWebhooks } from '../pods/webhook-return.ts';
import { earliest } from '../time.ts';
import type { DaemonSet } from '../workload-objects.ts';
import { planDaemonSet } from './plan.ts';

const COMPONENT = 'daemonset-controller';

/** Keeps one pod of each DaemonSet on each node. */
export const startDaemonSets = (context: ControllerContext): Controller => {
  const { pods, nodes, podsByController } = context.mirrors;
  const sets = context.mirrors.of<DaemonSet>(TYPES.daemonSets);
  const recorder = context.recorder(COMPONENT);
  const creation = new PodCreation(context, COMPONENT);
  const history = createHistory(context);
  const byUid = sets.index((set) => [set.metadata.uid ?? '']);

  const planOf = (set: DaemonSet, hash: string) =>
    planDaemonSet({
      set,
      pods: podsByController.of(set.metadata.uid ?? ''),
      nodes: [...nodes.objects.values()],
      hash,
      nowMs: context.now(),
    });

  const loop = startLoop(context, {
    name: 'daemonset',
    async reconcile(key) {
      const set = sets.get(key);
      if (set === undefined) return undefined;
      const revision = await history.current(set);
      const hash = revision.metadata.labels?.[REVISION_LABEL] ?? '';
      const plan = planOf(set, hash);
      if (plan.create.length === 0) creation.forget(set);
      else if (creation.wait(set) === 0) await creation.create(set, plan.create);
      await Promise.all(
        plan.remove.map(async (pod) => {
          await pods.delete(pod);
          recorder.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
        }),
      );
      const current = sets.get(key);
      if (current === undefined || current.metadata.uid !== set.metadata.uid) return undefined;
      const { status, lookAgainAt } = planOf(current, hash);
      if (status !== undefined) await sets.updateStatus(current, status);
      const hashes = new Set(
        podsByController.of(set.metadata.uid ?? '').map(({ metadata }) => metadata.labels?.[REVISION_LABEL]),
      );
      const used = history.of(set).filter(({ metadata }) => hashes.has(metadata.labels?.[REVISION_LABEL]));
      const names = new Set([revision, ...used].map(({ metadata }) => metadata.name));
      await history.prune(current, names, set.spec.revisionHistoryLimit);
      const retry = creation.failure(set) === undefined ? undefined : Math.max(1, creation.wait(set));
      return earliest(retry, lookAgainAt === undefined ? undefined : lookAgainAt - context.now());
    },
  });
  const ends = [
    sets.subscribe(({ type, object }) => {
      if (type === 'deleted') creation.forget(object);
      loop.add(objectKey(object));
    }),
    followPods(pods, 'DaemonSet', { owner: (key) => loop.add(key) }),
    nodes.subscribe((change) => {
      const { object } = change;
      if (change.type === 'updated') {
        const { old } = change;
        if (sameJson([old.spec, old.metadata.labels], [object.spec, object.metadata.labels])) return;
      }
      for (const key of sets.objects.keys()) loop.add(key);
    }),
    followWebhooks(context, () => {
      for (const uid of creation.releaseWebhookWaits()) for (const set of byUid.of(uid)) loop.add(objectKey(set));
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};
