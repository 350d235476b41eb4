import { isRecord, sameJson, text } from '../store/fields.ts';
import { EMPTY_SET, type FieldSet, isEmptySet, readFieldSet, union } from './field-set.ts';

/** One entry of `metadata.managedFields`: who owns which fields, by which kind of request. */
export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the main resource. */
  readonly subresource: string;
  /** RFC 3339, whole seconds; '' when unknown. */
  readonly time: string;
  readonly fields: FieldSet;
}

/** Who an owner is, apart from what it owns. */
export type OwnerIdentity = Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

/** True for the same owner. An applier stays the same when it goes to another version of the API. */
export const isOwner = (owner: OwnerIdentity, other: OwnerIdentity): boolean =>
  owner.manager === other.manager &&
  owner.operation === other.operation &&
  owner.subresource === other.subresource &&
  (owner.operation === 'Apply' || owner.apiVersion === other.apiVersion);

/** Reads `metadata.managedFields`; `undefined` when it is not valid. */
export const readOwners = (managedFields: unknown): readonly Owner[] | undefined => {
  if (managedFields === undefined || managedFields === null) return [];
  if (!Array.isArray(managedFields)) return undefined;
  const owners: Owner[] = [];
  for (const entry of managedFields) {
    if (!isRecord(entry)) return undefined;
    const { operation, fieldsV1 } = entry;
    const fields = fieldsV1 === undefined || fieldsV1 === null ? EMPTY_SET : readFieldSet(fieldsV1);
    if ((operation !== 'Apply' && operation !== 'Update') || entry.fieldsType !== 'FieldsV1' || fields === undefined)
      return undefined;
    owners.push({
      manager: text(entry.manager),
      operation,
      apiVersion: text(entry.apiVersion),
      subresource: text(entry.subresource),
      time: text(entry.time),
      fields,
    });
  }
  return owners;
};

/** Owners that this server has written, as a first value that need not be checked again. */
const known = new WeakMap<object, readonly Owner[]>();

/** Owners of a stored object; what cannot be read owns nothing. */
export const ownersOf = (managedFields: unknown): readonly Owner[] => {
  if (!Array.isArray(managedFields)) return [];
  const before = known.get(managedFields);
  if (before !== undefined) return before;
  const owners = readOwners(managedFields) ?? [];
  known.set(managedFields, owners);
  return owners;
};

/**
 * The owners that an update starts from: those that the client sent when they can be read, none when it sent a single empty entry
 * (which resets them), else those of the live object. `undefined` marks the reset.
 */
export const requestedOwners = (live: unknown, updated: unknown): readonly Owner[] | undefined => {
  if (updated === live || sameJson(live, updated)) return ownersOf(live);
  if (Array.isArray(updated) && updated.length === 1 && isRecord(updated[0]) && Object.keys(updated[0]).length === 0)
    return undefined;
  const asked = readOwners(updated);
  return asked === undefined || asked.length === 0 ? ownersOf(live) : asked;
};

const byPlace = (left: Owner, right: Owner): number =>
  compareTexts(left.operation, right.operation) ||
  compareTexts(left.time, right.time) ||
  compareTexts(left.manager, right.manager) ||
  compareTexts(left.apiVersion, right.apiVersion) ||
  compareTexts(left.subresource, right.subresource);

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** `metadata.managedFields` of owners, appliers first and older entries first; owners of nothing are left out. */
export const writeOwners = (owners: readonly Owner[]): readonly object[] | undefined => {
  const kept = capUpdaters(owners.filter(({ fields }) => !isEmptySet(fields))).sort(byPlace);
  if (kept.length === 0) return undefined;
  const entries = kept.map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
    ...(manager === '' ? {} : { manager }),
    operation,
    ...(apiVersion === '' ? {} : { apiVersion }),
    ...(time === '' ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(subresource === '' ? {} : { subresource }),
  }));
  known.set(entries, kept);
  return entries;
};

const MAX_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

/** Keeps at most ten updaters: the oldest of one API version are folded into one, so that objects do not grow for ever. */
const capUpdaters = (owners: readonly Owner[]): Owner[] => {
  const updaters = owners.filter(({ operation }) => operation === 'Update');
  let surplus = updaters.length - MAX_UPDATERS;
  if (surplus <= 0) return [...owners];
  const kept = new Set(owners);
  const firsts = new Map<string, Owner>();
  for (const owner of updaters.sort(byPlace)) {
    if (surplus <= 0) break;
    const first = firsts.get(owner.apiVersion);
    if (first === undefined) {
      firsts.set(owner.apiVersion, owner);
      continue;
    }
    const folded: Owner = {
      ...owner,
      manager: ANCIENT,
      subresource: '',
      fields: union(first.fields, owner.fields),
    };
    kept.delete(first);
    kept.delete(owner);
    kept.add(folded);
    firsts.set(owner.apiVersion, folded);
    surplus -= 1;
  }
  return [...kept];
};
