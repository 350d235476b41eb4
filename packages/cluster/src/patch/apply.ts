import type { KubeObject } from '@osm/kube';
import { sameJson } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { compare } from './compare.ts';
import { type ApplyConflict, conflictsWith } from './conflicts.ts';
import {
  difference,
  EMPTY_SET,
  type FieldSet,
  intersection,
  isEmptySet,
  sameSet,
  union,
  withParents,
} from './field-set.ts';
import { lastAppliedFields, withLastApplied } from './last-applied.ts';
import { mergeApplied } from './merge-applied.ts';
import { allFields, appliedFields } from './own-fields.ts';
import { isOwner, type Owner, ownersOf, writeOwners } from './owners.ts';
import { entryTime, identityOf, type Ownership, ownable, withOwners, withoutOwners } from './ownership.ts';
import { removeItems } from './remove-items.ts';
import { objectSchema } from './shape.ts';
import { withoutNulls } from './without-nulls.ts';

/** A server-side apply. */
export interface AppliedConfiguration extends Ownership {
  /** What the manager wants: only the fields it has an opinion on. */
  readonly applied: KubeObject;
  /** Takes fields away from other managers instead of reporting conflicts. */
  readonly force: boolean;
}

/** The outcome of an apply; with conflicts nothing is to be written. */
export interface AppliedObject {
  readonly object: KubeObject;
  readonly conflicts: readonly ApplyConflict[];
}

const BEFORE_FIRST_APPLY = 'before-first-apply';

/**
 * Server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/): merges what is applied into the live
 * object, removes what the manager applied before and applies no more unless another manager owns it, and records the owners.
 * A field of another manager that would get another value is a conflict, unless `force` is given. When nothing changes the very
 * object `live` comes back. Throws PatchError when the applied object does not fit the schema's list keys.
 */
export const serverSideApply = (call: AppliedConfiguration): AppliedObject => {
  const schema = objectSchema(call.schema);
  const live = withoutOwners(call.live ?? nothing(call.applied));
  const applied = withoutOwners(call.applied);
  const self = identityOf(call, 'Apply');
  const before = ownersBefore(call, schema, live);
  const previous = before.find((owner) => isOwner(owner, self));
  const entry: Owner = { ...self, time: entryTime(call.now), fields: ownable(appliedFields(schema, applied, '')) };
  const others = before.filter((owner) => owner !== previous);
  const merged = mergeApplied(schema, live, applied) as KubeObject;
  const pruned = prune(schema, merged, previous?.fields ?? EMPTY_SET, others, entry);
  const { added, removed, modified } = compare(schema, live, pruned);
  const changed = union(modified, added);
  const contested = others.map((owner) => intersection(owner.fields, changed));
  if (!call.force) {
    const conflicts = findConflicts(call, schema, others, contested);
    if (conflicts.length > 0) return { object: call.live ?? pruned, conflicts };
  }
  const rest = others.map((owner, index) => {
    const fields = difference(difference(owner.fields, contested[index] as FieldSet), removed);
    return fields === owner.fields ? owner : { ...owner, fields };
  });
  const object = withLastApplied(call.manager, withoutNulls(schema, pruned) as KubeObject, applied);
  const sameOwners =
    previous !== undefined &&
    previous.apiVersion === entry.apiVersion &&
    sameSet(previous.fields, entry.fields) &&
    rest.every((owner, index) => owner === others[index]);
  if (call.live !== undefined && sameOwners && sameJson(live, object)) return { object: call.live, conflicts: [] };
  return { object: withOwners(object, writeOwners([...rest, entry])), conflicts: [] };
};

const nothing = ({ apiVersion, kind }: KubeObject): KubeObject =>
  ({ apiVersion, kind, metadata: {} }) as unknown as KubeObject;

/** Owners of the live object; fields of an object that nobody tracked belong to those who came before the first apply. */
const ownersBefore = (call: AppliedConfiguration, schema: TypeSchema, live: KubeObject): readonly Owner[] => {
  const owners = ownersOf(call.live?.metadata.managedFields);
  if (call.live === undefined || owners.length > 0) return owners;
  const { '.': _self, ...fields } = allFields(schema, live);
  const identity = { ...identityOf(call, 'Update'), manager: BEFORE_FIRST_APPLY, subresource: '' };
  return [{ ...identity, time: entryTime(call.now), fields: ownable(fields) }];
};

/** Takes away what the manager owned and owns no more, where no owner is left. */
const prune = (
  schema: TypeSchema,
  merged: KubeObject,
  last: FieldSet,
  others: readonly Owner[],
  entry: Owner,
): KubeObject => {
  if (isEmptySet(last)) return merged;
  const owned = others.reduce<FieldSet>((all, { fields }) => union(all, fields), entry.fields);
  // What the server owns, `metadata` itself among it, cannot go.
  const gone = ownable(difference(withParents(last), withParents(owned)));
  return (removeItems(schema, merged, gone, entry.fields) ?? merged) as KubeObject;
};

const findConflicts = (
  call: AppliedConfiguration,
  schema: TypeSchema,
  others: readonly Owner[],
  contested: readonly FieldSet[],
): readonly ApplyConflict[] => {
  if (contested.every(isEmptySet)) return [];
  // Who goes over from client-side to server-side apply may change what he has applied himself.
  const own = lastAppliedFields(call.manager, call.live, schema);
  return others.flatMap((owner, index) => conflictsWith(owner, difference(contested[index] as FieldSet, own)));
};
