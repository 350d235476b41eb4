import { objectKey, TYPES } from '@osm/kube';
import type { Controller, ControllerContext } from '../context.ts';
import { createHistory } from '../history/keep.ts';
import { REVISION_LABEL, templateOf } from '../history/plan.ts';
import { startLoop } from '../loop.ts';
import type { Pod } from '../objects.ts';
import { PodCreation } from '../pods/creation.ts';
import { followPods } from '../pods/follow.ts';
import { followWebhooks } from '../pods/webhook-return.ts';
import { earliest } from '../time.ts';
import type { StatefulSet } from '../workload-objects.ts';
import { planStatefulSet, type StatefulSetFacts } from './plan.ts';

const COMPONENT = 'statefulset-controller';

/** Keeps the pods of StatefulSets, each with its name. */
export const startStatefulSets = (context: ControllerContext): Controller => {
  const { pods, podsByController } = context.mirrors;
  const sets = context.mirrors.of<StatefulSet>(TYPES.statefulSets);
  const recorder = context.recorder(COMPONENT);
  const creation = new PodCreation(context, COMPONENT);
  const history = createHistory(context);
  const byUid = sets.index((set) => [set.metadata.uid ?? '']);

  const facts = async (set: StatefulSet): Promise<StatefulSetFacts> => {
    const revision = await history.current(set);
    const update = { name: revision.metadata.name, template: templateOf(revision) ?? set.spec.template };
    const kept = history.of(set).find(({ metadata }) => metadata.name === set.status?.currentRevision);
    const template = kept && templateOf(kept);
    const current = kept === undefined || template === undefined ? update : { name: kept.metadata.name, template };
    return { set, pods: podsByController.of(set.metadata.uid ?? ''), update, current, nowMs: context.now() };
  };

  const remove = async (set: StatefulSet, pod: Pod): Promise<void> => {
    await pods.delete(pod);
    const { name } = pod.metadata;
    recorder.record(
      set,
      'Normal',
      'SuccessfulDelete',
      `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`,
    );
  };

  const loop = startLoop(context, {
    name: 'statefulset',
    async reconcile(key) {
      const set = sets.get(key);
      if (set === undefined) return undefined;
      const seen = await facts(set);
      const plan = planStatefulSet(seen);
      if (plan.refused !== undefined && plan.status !== undefined)
        recorder.record(set, 'Warning', 'FailedCreate', plan.refused);
      const wait = creation.wait(set);
      if (plan.create.length === 0) creation.forget(set);
      else if (wait === 0) await creation.create(set, plan.create);
      await Promise.all(plan.remove.map((pod) => remove(set, pod)));
      const current = sets.get(key);
      if (current === undefined || current.metadata.uid !== set.metadata.uid) return undefined;
      const { status, lookAgainAt } = planStatefulSet({
        ...seen,
        set: current,
        pods: podsByController.of(set.metadata.uid ?? ''),
        nowMs: context.now(),
      });
      if (status !== undefined) await sets.updateStatus(current, status);
      const used = new Set([seen.update.name, seen.current.name]);
      for (const { metadata } of podsByController.of(set.metadata.uid ?? ''))
        used.add(metadata.labels?.[REVISION_LABEL] ?? '');
      await history.prune(current, used, set.spec.revisionHistoryLimit);
      const retry = creation.failure(set) === undefined ? undefined : Math.max(1, creation.wait(set));
      return earliest(retry, lookAgainAt === undefined ? undefined : lookAgainAt - context.now());
    },
  });
  const ends = [
    sets.subscribe(({ type, object }) => {
      if (type === 'deleted') creation.forget(object);
      loop.add(objectKey(object));
    }),
    followPods(pods, 'StatefulSet', { owner: (key) => loop.add(key) }),
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
