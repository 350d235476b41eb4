import { ApiError, objectKey, TYPES } from '@osm/kube';
import type { Controller, ControllerContext } from '../context.ts';
import { startLoop } from '../loop.ts';
import type { Pod } from '../objects.ts';
import { controllerOf } from '../ownership.ts';
import { PodCreation } from '../pods/creation.ts';
import { followPods } from '../pods/follow.ts';
import { followWebhooks } from '../pods/webhook-return.ts';
import { earliest } from '../time.ts';
import type { Job } from '../workload-objects.ts';
import { planJob } from './plan.ts';
import { isTracked, TRACKING } from './tally.ts';

const COMPONENT = 'job-controller';

/** Runs Jobs to completion. */
export const startJobs = (context: ControllerContext): Controller => {
  const { pods, podsByController } = context.mirrors;
  const jobs = context.mirrors.of<Job>(TYPES.jobs);
  const recorder = context.recorder(COMPONENT);
  const creation = new PodCreation(context, COMPONENT);
  const byUid = jobs.index((job) => [job.metadata.uid ?? '']);
  /** Pods whose end has not been counted, by the key of their job. */
  const tracked = pods.index((pod) => {
    const owner = controllerOf(pod);
    return isTracked(pod) && owner?.kind === 'Job' ? [`${pod.metadata.namespace}/${owner.name}`] : [];
  });

  const release = async (pod: Pod): Promise<void> => {
    const { uid, resourceVersion, finalizers = [] } = pod.metadata;
    const rest = finalizers.filter((finalizer) => finalizer !== TRACKING);
    try {
      await pods.patch(pod, 'merge', {
        metadata: { uid, resourceVersion, finalizers: rest.length === 0 ? null : rest },
      });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    }
  };

  /** Pods of a job that is no more must not be kept by its bookkeeping. */
  const releaseOrphans = async (key: string, uid: string | undefined): Promise<void> => {
    await Promise.all(
      tracked
        .of(key)
        .filter((pod) => controllerOf(pod)?.uid !== uid)
        .map(release),
    );
  };

  const loop = startLoop(context, {
    name: 'job',
    async reconcile(key) {
      const seen = jobs.get(key);
      await releaseOrphans(key, seen?.metadata.uid);
      if (seen === undefined || seen.spec.managedBy !== undefined) return undefined;
      const plan = planJob({ job: seen, pods: podsByController.of(seen.metadata.uid ?? ''), nowMs: context.now() });
      const job = plan.status === undefined ? seen : await jobs.updateStatus(seen, plan.status);
      if (plan.event !== undefined) recorder.record(job, plan.event.type, plan.event.reason, plan.event.message);
      await Promise.all(plan.release.map(release));
      await Promise.all(
        plan.remove.map(async (pod) => {
          await pods.delete(pods.get(objectKey(pod)) ?? pod);
          recorder.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
        }),
      );
      if (plan.create.length === 0) creation.forget(job);
      else if (creation.wait(job) === 0) await creation.create(job, plan.create);
      if (plan.expired === true) await jobs.delete(job, { propagationPolicy: 'Foreground' });
      // What has been written is in the caches and has added the key again.
      const retry = creation.failure(job) === undefined ? undefined : Math.max(1, creation.wait(job));
      return earliest(retry, plan.lookAgainAt === undefined ? undefined : plan.lookAgainAt - context.now());
    },
  });
  const ends = [
    jobs.subscribe(({ type, object }) => {
      if (type === 'deleted') creation.forget(object);
      loop.add(objectKey(object));
    }),
    followPods(pods, 'Job', { owner: (key) => loop.add(key) }),
    followWebhooks(context, () => {
      for (const uid of creation.releaseWebhookWaits()) for (const job of byUid.of(uid)) loop.add(objectKey(job));
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};
