import type { ControllerContext } from '../context.ts';
import type { Workload } from '../objects.ts';
import { controllerOf } from '../ownership.ts';
import { CONTROLLER_REVISIONS } from '../resource-types.ts';
import type { ControllerRevision } from '../workload-objects.ts';
import { planHistory, surplusRevisions } from './plan.ts';

/** Keeps the ControllerRevisions of StatefulSets or DaemonSets. */
export interface History {
  /** The revisions of an owner, the present template's among them. Rejects with ApiError. */
  current(owner: Workload): Promise<ControllerRevision>;
  of(owner: Workload): readonly ControllerRevision[];
  /** Deletes what is more than `limit` and not among `used` (names). */
  prune(owner: Workload, used: ReadonlySet<string>, limit: number | undefined): Promise<void>;
}

/** Makes a history over the shared caches. */
export const createHistory = ({ mirrors }: ControllerContext): History => {
  const revisions = mirrors.of<ControllerRevision>(CONTROLLER_REVISIONS);
  const byOwner = revisions.index((revision) => [controllerOf(revision)?.uid ?? '']);
  const of = (owner: Workload): readonly ControllerRevision[] => byOwner.of(owner.metadata.uid ?? '');
  return {
    of,
    async current(owner) {
      const plan = planHistory(owner, of(owner));
      if (plan.step === 'none') return plan.current;
      return plan.step === 'create' ? revisions.create(plan.revision) : revisions.update(plan.revision);
    },
    async prune(owner, used, limit) {
      await Promise.all(surplusRevisions(of(owner), used, limit).map((revision) => revisions.delete(revision)));
    },
  };
};
