import type { KubeObject } from '@osm/kube';
import { conflictMessage } from '../conflicts.ts';
import { pathTexts } from '../field-set.ts';
import { serverSideApply, trackManagedFields } from '../index.ts';
import { ownersOf } from '../owners.ts';
import { schemaOf } from './schemas.ts';

/** One write of a sequence: an apply, or an update to exactly this object (`undefined` fields of metadata are kept). */
export interface Step {
  readonly apply?: string;
  readonly update?: string;
  readonly force?: boolean;
  readonly subresource?: string;
  readonly object: KubeObject;
}

/** What a step left: the object, and who owns what; or why it was refused. */
export type Outcome =
  | { readonly refused: string }
  | { readonly object: object; readonly owners: Readonly<Record<string, readonly string[]>> };

/** Time of the first step; each takes a minute. */
const START = Date.UTC(2026, 0, 1);

/** The object after a step; the very same when the step changed nothing. Throws when it is refused. */
export const take = (live: KubeObject | undefined, step: Step, minute: number): KubeObject => {
  const { apiVersion, kind } = step.object;
  const base = {
    live,
    schema: schemaOf(apiVersion, kind),
    subresource: step.subresource ?? '',
    apiVersion,
    now: new Date(START + minute * 60_000),
  };
  if (step.apply === undefined)
    return trackManagedFields({ ...base, updated: step.object, manager: step.update ?? '', operation: 'Update' });
  const call = { ...base, applied: step.object, manager: step.apply, force: step.force === true };
  const { object, conflicts } = serverSideApply(call);
  if (conflicts.length > 0) throw new Error(conflictMessage(conflicts));
  return object;
};

/** Takes every step from nothing; a refused one leaves the object as it was. */
export const takeAll = (steps: readonly Step[]): readonly Outcome[] => {
  let live: KubeObject | undefined;
  return steps.map((step, minute) => {
    try {
      live = take(live, step, minute);
      return describe(live);
    } catch (error) {
      return { refused: (error as Error).message };
    }
  });
};

const describe = (object: KubeObject): Outcome => {
  const { managedFields, ...metadata } = object.metadata;
  const owners = ownersOf(managedFields).map(({ operation, manager, subresource, time, fields }) => {
    const name = `${operation} ${manager}${subresource === '' ? '' : `/${subresource}`} ${time.slice(11, 16)}`;
    return [name, pathTexts(fields)] as const;
  });
  return { object: { ...object, metadata }, owners: Object.fromEntries(owners) };
};
