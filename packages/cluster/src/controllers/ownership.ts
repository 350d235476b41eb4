import type { KubeObject, OwnerReference } from '@osm/kube';
import { matchesSelector } from '../selectors/label-match.ts';
import type { LabelSelector } from './objects.ts';

/** The owner that controls the object, if any. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(({ controller }) => controller === true);

/** The reference by which `owner` controls an object. */
export const controllerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

/** Who of the candidates belongs to an owner, and what must be written to make that so. */
export interface Claim<T extends KubeObject> {
  /** Controlled by the owner and selected. */
  readonly owned: readonly T[];
  /** Selected, controlled by nobody. */
  readonly adopt: readonly T[];
  /** Controlled by the owner, but no longer selected. */
  readonly release: readonly T[];
}

const isEmpty = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;

/**
 * Sorts candidates by ownership (Kubernetes docs, "ReplicaSet: Non-Template Pod acquisitions"). An owner that is being
 * deleted neither adopts nor releases; an object that is being deleted is not adopted; an empty selector selects nothing.
 */
export const claim = <T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector | undefined,
  candidates: Iterable<T>,
): Claim<T> => {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const leaving = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    if (object.metadata.namespace !== owner.metadata.namespace) continue;
    const controller = controllerOf(object);
    if (controller !== undefined && controller.uid !== owner.metadata.uid) continue;
    const selected = !isEmpty(selector) && matchesSelector(selector, object.metadata.labels);
    if (controller !== undefined) {
      if (selected) owned.push(object);
      else if (!leaving) release.push(object);
    } else if (selected && !leaving && object.metadata.deletionTimestamp === undefined) adopt.push(object);
  }
  return { owned, adopt, release };
};

/** `metadata.ownerReferences` with the owner as controller. */
export const withController = (object: KubeObject, owner: KubeObject): readonly OwnerReference[] => [
  ...(object.metadata.ownerReferences ?? []),
  controllerReference(owner),
];

/** `metadata.ownerReferences` without the owner of this uid. */
export const withoutOwner = (object: KubeObject, uid: string): readonly OwnerReference[] =>
  (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
