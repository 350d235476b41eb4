import type { KubeObject } from '@osm/kube';
import { compare } from './compare.ts';
import { difference, isEmptySet, union } from './field-set.ts';
import { isOwner, type Owner, ownersOf, requestedOwners, writeOwners } from './owners.ts';
import { entryTime, identityOf, type Ownership, ownable, withOwners, withoutOwners } from './ownership.ts';
import { objectSchema } from './shape.ts';

/** A create, update or patch. */
export interface TrackedUpdate extends Ownership {
  readonly updated: KubeObject;
  readonly operation: 'Update';
}

const NOTHING = { metadata: {} } as unknown as KubeObject;

/**
 * Records in `metadata.managedFields` that the manager owns what the update changes and adds, and that nobody owns any more what
 * it removes. An object whose managed fields have been reset stays without until it is applied. Returns `updated` with its
 * managed fields; everything else is shared.
 */
export const trackManagedFields = (call: TrackedUpdate): KubeObject => {
  const { live, updated } = call;
  // Through a subresource the owners themselves cannot be changed.
  const asked = call.subresource === '' ? updated.metadata.managedFields : live?.metadata.managedFields;
  const owners = requestedOwners(live?.metadata.managedFields, asked) ?? [];
  if (live !== undefined && owners.length === 0) return withoutOwners(updated);
  const { added, removed, modified } = compare(
    objectSchema(call.schema),
    withoutOwners(live ?? NOTHING),
    withoutOwners(updated),
  );
  const changed = union(modified, added);
  const self = identityOf(call, 'Update');
  const rest: Owner[] = owners.map((owner) => {
    const fields = difference(difference(owner.fields, changed), removed);
    return fields === owner.fields ? owner : { ...owner, fields };
  });
  const taken = ownable(changed);
  const same = rest.every((owner, index) => owner === owners[index]);
  if (isEmptySet(taken)) {
    // Nothing has moved: the entries are kept as they are, so that they need not be read again.
    const kept = live?.metadata.managedFields as readonly object[] | undefined;
    if (same && kept !== undefined && owners === ownersOf(kept)) return withOwners(updated, kept);
    return withOwners(updated, writeOwners(rest));
  }
  const previous = rest.find((owner) => isOwner(owner, self));
  const entry: Owner = {
    ...self,
    time: entryTime(call.now),
    fields: previous === undefined ? taken : union(previous.fields, taken),
  };
  return withOwners(updated, writeOwners([...rest.filter((owner) => owner !== previous), entry]));
};
