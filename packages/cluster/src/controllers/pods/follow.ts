import type { Change } from '@osm/kube';
import type { Mirror } from '../mirror.ts';
import type { Pod } from '../objects.ts';
import { controllerOf } from '../ownership.ts';

/** What {@link followPods} tells. */
export interface PodFollower {
  /** Key of the owner (`namespace/name`) whose pod has changed. */
  owner(key: string, change: Change<Pod>): void;
  /** A pod that nobody controls has come, or has changed its labels. */
  orphan?(pod: Pod): void;
}

/** Tells of changes of the pods that owners of `kind` control. Returns the unsubscribe function. */
export const followPods = (pods: Mirror<Pod>, kind: string, follower: PodFollower): (() => void) =>
  pods.subscribe((change) => {
    const { object } = change;
    const namespace = object.metadata.namespace ?? '';
    const controller = controllerOf(object);
    if (controller?.kind === kind) follower.owner(`${namespace}/${controller.name}`, change);
    if (change.type === 'updated') {
      const before = controllerOf(change.old);
      if (before?.kind === kind && before.uid !== controller?.uid)
        follower.owner(`${namespace}/${before.name}`, change);
    }
    if (controller !== undefined || change.type === 'deleted' || object.metadata.deletionTimestamp !== undefined)
      return;
    if (change.type === 'updated' && change.old.metadata.labels === object.metadata.labels) return;
    follower.orphan?.(object);
  });
