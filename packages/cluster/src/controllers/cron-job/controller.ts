import { ApiError, objectKey, TYPES } from '@osm/kube';
import { type Controller, type ControllerContext, neighbour } from '../context.ts';
import { startLoop } from '../loop.ts';
import { controllerOf } from '../ownership.ts';
import { CRON_JOBS } from '../resource-types.ts';
import type { CronJob, Job } from '../workload-objects.ts';
import { planCronJob } from './plan.ts';

/** Makes jobs at the times that CronJobs name. */
export const startCronJobs = (context: ControllerContext): Controller => {
  const jobs = context.mirrors.of<Job>(TYPES.jobs);
  const crons = context.mirrors.of<CronJob>(CRON_JOBS);
  const recorder = context.recorder('cronjob-controller');
  const jobsByOwner = jobs.index((job) => [controllerOf(job)?.uid ?? '']);

  const loop = startLoop(context, {
    name: 'cronjob',
    async reconcile(key) {
      const cron = crons.get(key);
      if (cron === undefined) return undefined;
      const owned = jobsByOwner.of(cron.metadata.uid ?? '');
      const plan = planCronJob({ cron, jobs: owned, nowMs: context.now() });
      if (plan.warning !== undefined) recorder.record(cron, 'Warning', plan.warning.reason, plan.warning.message);
      await Promise.all(plan.remove.map((job) => jobs.delete(job, { propagationPolicy: 'Background' })));
      if (plan.create !== undefined) {
        try {
          const { metadata } = await jobs.create(plan.create);
          recorder.record(cron, 'Normal', 'SuccessfulCreate', `Created job ${metadata.name}`);
        } catch (error) {
          if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) {
            const message = `Error creating job: ${error instanceof Error ? error.message : String(error)}`;
            recorder.record(cron, 'Warning', 'FailedCreate', message);
            throw error;
          }
        }
      }
      if (plan.status !== undefined) await crons.updateStatus(cron, plan.status);
      return plan.lookAgainAt === undefined ? undefined : plan.lookAgainAt - context.now();
    },
  });
  const ends = [
    crons.subscribe(({ object }) => loop.add(objectKey(object))),
    jobs.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === 'CronJob') loop.add(neighbour(object, owner.name));
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};
