import { sameJson } from '../../store/fields.ts';
import type { PodTemplate, Workload } from '../objects.ts';
import { controllerReference } from '../ownership.ts';
import type { ControllerRevision } from '../workload-objects.ts';
import { shortHash } from './short-hash.ts';

/** Label of pods and revisions that says which template they are of. */
export const REVISION_LABEL = 'controller-revision-hash';

const dataOf = (template: PodTemplate) => ({ spec: { template: { ...template, $patch: 'replace' } } });

/** The pod template that a revision keeps. */
export const templateOf = (revision: ControllerRevision): PodTemplate | undefined => {
  const template = revision.data?.spec?.template;
  if (template === undefined) return undefined;
  const { $patch: _patch, ...rest } = template;
  return rest;
};

/** What the history of an owner needs. */
export type HistoryPlan =
  /** The revision of the present template is the newest already. */
  | { readonly step: 'none'; readonly current: ControllerRevision }
  | {
      readonly step: 'create';
      readonly revision: Omit<ControllerRevision, 'metadata'> & { readonly metadata: NewMeta };
    }
  /** An older one is used again: it becomes the newest. */
  | { readonly step: 'renumber'; readonly revision: ControllerRevision };

type NewMeta = {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ownerReferences: ReturnType<typeof controllerReference>[];
};

/**
 * The revision of the owner's present template, as `kubectl rollout history` and `undo` expect it (Kubernetes API reference,
 * ControllerRevision): `data` is a patch that restores the template.
 */
export const planHistory = (owner: Workload, revisions: readonly ControllerRevision[]): HistoryPlan => {
  const { template } = owner.spec;
  const ordered = [...revisions].sort((left, right) => left.revision - right.revision);
  const newest = ordered.at(-1);
  const data = dataOf(template);
  const same = ordered.findLast((revision) => sameJson(revision.data, data));
  const number = (newest?.revision ?? 0) + 1;
  if (same !== undefined)
    return same === newest
      ? { step: 'none', current: same }
      : { step: 'renumber', revision: { ...same, revision: number } };
  const taken = new Set(revisions.map(({ metadata }) => metadata.name));
  const named = (salt?: number): string => shortHash(template, salt);
  let hash = named();
  for (let salt = 1; taken.has(`${owner.metadata.name}-${hash}`); salt += 1) hash = named(salt);
  return {
    step: 'create',
    revision: {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${owner.metadata.name}-${hash}`,
        namespace: owner.metadata.namespace ?? 'default',
        labels: { ...template.metadata?.labels, [REVISION_LABEL]: hash },
        ownerReferences: [controllerReference(owner)],
      },
      data,
      revision: number,
    },
  };
};

/** Revisions beyond `limit` that nothing uses, oldest first. `used` holds their names. */
export const surplusRevisions = (
  revisions: readonly ControllerRevision[],
  used: ReadonlySet<string>,
  limit = 10,
): readonly ControllerRevision[] => {
  const unused = revisions.filter(({ metadata }) => !used.has(metadata.name));
  return unused.sort((left, right) => left.revision - right.revision).slice(0, Math.max(0, unused.length - limit));
};
