import type { KubeObject, OwnerReference } from '@osm/kube';

/** Finalizers by which a deletion waits for the garbage collector. */
export const FOREGROUND = 'foregroundDeletion';
/** The owner's dependents are to stay. */
export const ORPHAN = 'orphan';

/**
 * How an owner stands: `present`; `waiting` when it is being deleted and waits for its dependents to go first; `absent` when no
 * object of this uid exists.
 */
export type OwnerState = 'present' | 'waiting' | 'absent';

/** What is to be done with an object for its owners' sake. */
export type Decision =
  | { readonly action: 'keep' }
  /** Other owners remain: only these references go. */
  | { readonly action: 'disown'; readonly uids: readonly string[] }
  | { readonly action: 'delete'; readonly policy: 'Foreground' | 'Background' | 'Orphan' };

const KEEP: Decision = Object.freeze({ action: 'keep' });

/** True when the object is being deleted and waits for its dependents. */
export const isWaitingForDependents = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(FOREGROUND) === true;

/** True when the object is being deleted and its dependents are to be left alone. */
export const isOrphaning = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(ORPHAN) === true;

/**
 * Decides about a dependent (Kubernetes docs, "Garbage Collection", "Owners and Dependents"): it stays while one owner is
 * present; otherwise it goes, its own dependents first when an owner waits.
 */
export const decide = (
  object: KubeObject,
  stateOf: (owner: OwnerReference) => OwnerState,
  hasDependents: boolean,
): Decision => {
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0 || object.metadata.deletionTimestamp !== undefined) return KEEP;
  const states = owners.map((owner) => ({ uid: owner.uid, state: stateOf(owner) }));
  const gone = states.filter(({ state }) => state !== 'present');
  if (gone.length === 0) return KEEP;
  if (gone.length < states.length) return { action: 'disown', uids: gone.map(({ uid }) => uid) };
  const waiting = states.some(({ state }) => state === 'waiting');
  if (waiting && hasDependents) return { action: 'delete', policy: 'Foreground' };
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(ORPHAN)) return { action: 'delete', policy: 'Orphan' };
  return { action: 'delete', policy: finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background' };
};

/** Whether a dependent keeps its owner's foreground deletion waiting. */
export const blocks = (dependent: KubeObject, ownerUid: string): boolean =>
  dependent.metadata.ownerReferences?.some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  ) === true;
