import { ApiError, type KubeObject, type OwnerReference } from '@osm/kube';
import type { Controller, ControllerContext } from '../context.ts';
import type { Inventory, Item } from '../inventory/inventory.ts';
import { startLoop } from '../loop.ts';
import { blocks, decide, FOREGROUND, isOrphaning, isWaitingForDependents, ORPHAN, type OwnerState } from './decide.ts';

/** Deletes what has no owner any more, in the order that the deletion of the owner asked for. */
export const startGarbageCollector = (context: ControllerContext, inventory: Inventory): Controller => {
  const { client } = context;
  const recorder = context.recorder('garbage-collector-controller');

  /** Asks the API itself: an object that a cache has not seen is not proven absent. */
  const isAbsent = async (item: Item, owner: OwnerReference): Promise<boolean> => {
    let type = inventory.typeOf(owner.apiVersion, owner.kind);
    if (type === undefined) {
      await inventory.refresh();
      type = inventory.typeOf(owner.apiVersion, owner.kind);
    }
    // A kind that is not served may come back with its definition: nothing is deleted on a guess.
    if (type === undefined)
      throw new Error(`owner ${owner.kind} (${owner.apiVersion}) is of a kind that is not served`);
    const namespace = item.object.metadata.namespace ?? '';
    if (type.namespaced && namespace === '') {
      const message = `ownerRef ${owner.kind} ${owner.name} is namespaced, the object is not`;
      recorder.record(item.object, 'Warning', 'OwnerRefInvalidNamespace', message);
      return false;
    }
    try {
      const found = await client.get(type, owner.name, type.namespaced ? { namespace } : {});
      return found.metadata.uid !== owner.uid;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return true;
      throw error;
    }
  };

  const stateOf = async (item: Item, owner: OwnerReference): Promise<OwnerState> => {
    const found = inventory.get(owner.uid)?.object;
    const namespace = found?.metadata.namespace ?? item.object.metadata.namespace;
    if (found !== undefined && namespace === item.object.metadata.namespace)
      return isWaitingForDependents(found) ? 'waiting' : 'present';
    return (await isAbsent(item, owner)) ? 'absent' : 'present';
  };

  const judge = async (item: Item): Promise<void> => {
    const { object, type } = item;
    const { uid = '', ownerReferences = [] } = object.metadata;
    const states = new Map<string, OwnerState>();
    for (const owner of ownerReferences) states.set(owner.uid, await stateOf(item, owner));
    const hasDependents = inventory.dependents(uid).length > 0;
    const decision = decide(object, (owner) => states.get(owner.uid) ?? 'present', hasDependents);
    const mirror = inventory.mirrorOf(type);
    if (decision.action === 'disown') {
      await disown(item, decision.uids);
    } else if (decision.action === 'delete') {
      await mirror.delete(object, { propagationPolicy: decision.policy });
    }
  };

  const disown = async ({ object, type }: Item, uids: readonly string[]): Promise<void> => {
    const { uid, resourceVersion, ownerReferences = [] } = object.metadata;
    const kept = ownerReferences.filter((owner) => !uids.includes(owner.uid));
    await inventory.mirrorOf(type).patch(object, 'merge', {
      metadata: { uid, resourceVersion, ownerReferences: kept.length === 0 ? null : kept },
    });
  };

  const dropFinalizer = async ({ object, type }: Item, finalizer: string): Promise<void> => {
    const { uid, resourceVersion, finalizers = [] } = object.metadata;
    await inventory.mirrorOf(type).patch(object, 'merge', {
      metadata: { uid, resourceVersion, finalizers: finalizers.filter((name) => name !== finalizer) },
    });
  };

  const loop = startLoop(context, {
    name: 'garbage',
    concurrency: 20,
    async reconcile(uid) {
      await inventory.ready;
      const item = inventory.get(uid);
      if (item === undefined) return undefined;
      if (isOrphaning(item.object)) {
        await Promise.all(inventory.dependents(uid).map((dependent) => disown(dependent, [uid])));
        await dropFinalizer(item, ORPHAN);
      } else if (isWaitingForDependents(item.object)) {
        const dependents = inventory.dependents(uid);
        if (!dependents.some(({ object }) => blocks(object, uid))) await dropFinalizer(item, FOREGROUND);
        for (const { object } of dependents) addUid(object);
      } else await judge(item);
      return undefined;
    },
  });
  const addUid = ({ metadata }: KubeObject): void => {
    if (metadata.uid !== undefined && metadata.deletionTimestamp === undefined) loop.add(metadata.uid);
  };
  /** Owners whose deletion may have waited for this object. */
  const addWaitingOwners = ({ metadata }: KubeObject): void => {
    for (const { uid } of metadata.ownerReferences ?? []) {
      const owner = inventory.get(uid)?.object;
      if (owner !== undefined && isWaitingForDependents(owner)) loop.add(uid);
    }
  };

  const unsubscribe = inventory.subscribe(({ change }) => {
    const { object } = change;
    const { uid = '', ownerReferences = [] } = object.metadata;
    if (change.type === 'deleted') {
      addWaitingOwners(object);
      for (const dependent of inventory.dependents(uid)) loop.add(dependent.object.metadata.uid ?? '');
      return;
    }
    if (isWaitingForDependents(object) || isOrphaning(object)) loop.add(uid);
    if (change.type === 'updated' && change.old.metadata.ownerReferences !== ownerReferences)
      addWaitingOwners(change.old);
    const changed = change.type === 'added' || change.old.metadata.ownerReferences !== ownerReferences;
    // The rule: the owner is known and stays. Only then is there nothing to look at.
    const settled = ownerReferences.every((owner) => {
      const found = inventory.get(owner.uid)?.object;
      return found !== undefined && !isWaitingForDependents(found);
    });
    if (changed && !settled) loop.add(uid);
  });
  return {
    async stop() {
      unsubscribe();
      await loop.stop();
    },
  };
};
