import { ApiError, objectKey, TYPES } from '@osm/kube';
import { sameJson } from '../store/fields.ts';
import { type Verdict, withCondition } from './conditions.ts';
import type { Controller, ControllerContext } from './context.ts';
import type { FoundType } from './inventory/discovery.ts';
import type { Inventory } from './inventory/inventory.ts';
import { startLoop } from './loop.ts';
import type { Condition, Namespace } from './objects.ts';

/** The finalizer of `spec.finalizers` that this controller takes away. */
const FINALIZER = 'kubernetes';
/** What remains is looked at again after this time, in milliseconds, even if nothing is heard of it. */
const LOOK_AGAIN_MS = 5_000;
/** Requests of one namespace at a time. */
const AT_ONCE = 8;

/** What is left in a namespace that is going. */
export interface Remains {
  /** Number of objects by resource type, such as `pods.` or `deployments.apps`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Number of objects by finalizer that keeps them. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** Groups that did not answer, and deletions that failed. */
  readonly undiscovered: readonly string[];
  readonly failures: readonly string[];
}

const words = (counts: ReadonlyMap<string, number>, say: (name: string, count: number) => string): string =>
  [...counts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, count]) => say(name, count))
    .join(', ');

/** The conditions of a namespace that is going (API reference, NamespaceCondition). */
export const terminatingConditions = (
  before: readonly Condition[] | undefined,
  { counts, finalizers, undiscovered, failures }: Remains,
  nowMs: number,
): readonly Condition[] => {
  const verdict = (
    type: string,
    bad: boolean,
    reasons: readonly [bad: string, good: string],
    message: string,
  ): Verdict => ({
    type,
    status: bad ? 'True' : 'False',
    reason: bad ? reasons[0] : reasons[1],
    message,
  });
  const remaining = words(counts, (name, count) => `${name} has ${count} resource instances`);
  const held = words(finalizers, (name, count) => `${name} in ${count} resource instances`);
  const verdicts = [
    verdict(
      'NamespaceDeletionDiscoveryFailure',
      undiscovered.length > 0,
      ['DiscoveryFailed', 'ResourcesDiscovered'],
      undiscovered.length > 0
        ? `Discovery failed for some groups: ${undiscovered.join(', ')}`
        : 'All resources successfully discovered',
    ),
    verdict(
      'NamespaceDeletionContentFailure',
      failures.length > 0,
      ['ContentDeletionFailed', 'ContentDeleted'],
      failures.length > 0 ? failures.join('; ') : 'All content successfully deleted, may be waiting on finalization',
    ),
    verdict(
      'NamespaceContentRemaining',
      counts.size > 0,
      ['SomeResourcesRemain', 'ContentRemoved'],
      counts.size > 0 ? `Some resources are remaining: ${remaining}` : 'All content successfully removed',
    ),
    verdict(
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      ['SomeFinalizersRemain', 'ContentHasNoFinalizers'],
      finalizers.size > 0
        ? `Some content in the namespace has finalizers remaining: ${held}`
        : 'All content-preserving finalizers finished',
    ),
  ];
  return verdicts.reduce<readonly Condition[]>((all, each) => withCondition(all, each, nowMs), before ?? []);
};

/** Empties namespaces that are being deleted, and lets them go. */
export const startNamespaces = (context: ControllerContext, inventory: Inventory): Controller => {
  const { client } = context;
  const { namespaces } = context.mirrors;

  /** Deletes all of a type in a namespace and tells what stays. */
  const empty = async (
    type: FoundType,
    namespace: string,
  ): Promise<{ count: number; finalizers: readonly string[] }> => {
    const first = await client.list(type, { namespace, limit: 1 });
    if (first.items.length === 0) return { count: 0, finalizers: [] };
    if (type.deletesCollections) await client.deleteCollection(type, { namespace, propagationPolicy: 'Background' });
    else {
      const all = await client.list(type, { namespace });
      for (const { metadata } of all.items)
        await client.delete(type, metadata.name, { namespace, propagationPolicy: 'Background' }).catch(ignoreGone);
    }
    const rest = await client.list(type, { namespace });
    return { count: rest.items.length, finalizers: rest.items.flatMap(({ metadata }) => metadata.finalizers ?? []) };
  };

  const emptyAll = async (types: readonly FoundType[], namespace: string): Promise<Omit<Remains, 'undiscovered'>> => {
    const counts = new Map<string, number>();
    const finalizers = new Map<string, number>();
    const failures: string[] = [];
    const queue = [...types];
    const work = async (): Promise<void> => {
      for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
        try {
          const left = await empty(type, namespace);
          if (left.count > 0) counts.set(`${type.resource}.${type.group}`, left.count);
          for (const name of left.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
        } catch (error) {
          // A custom type may have gone together with its definition.
          if (!(error instanceof ApiError && error.code === 404))
            failures.push(`${type.resource}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return { counts, finalizers, failures };
  };

  /** Pods first: what protects or configures them outlives them. */
  const clear = async (namespace: string): Promise<Remains> => {
    const { types, failed } = await inventory.refresh();
    const namespaced = types.filter((type) => type.namespaced);
    const pods = namespaced.filter((type) => type.resource === 'pods' && type.group === '');
    const left = await emptyAll(pods, namespace);
    if (left.counts.size + left.failures.length > 0) return { ...left, undiscovered: failed };
    const others = namespaced.filter((type) => !pods.includes(type));
    return { ...(await emptyAll(others, namespace)), undiscovered: failed };
  };

  const finalize = async (namespace: Namespace): Promise<void> => {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== FINALIZER);
    const { name } = namespace.metadata;
    await client
      .raw('PUT', `/api/v1/namespaces/${encodeURIComponent(name)}/finalize`, {
        ...namespace,
        spec: { ...namespace.spec, finalizers },
      })
      .catch(ignoreGone);
  };

  const loop = startLoop(context, {
    name: 'namespace',
    async reconcile(key) {
      const namespace = namespaces.get(key);
      if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
      if (!(namespace.spec?.finalizers ?? []).includes(FINALIZER)) return undefined;
      const remains = await clear(key);
      const current = namespaces.get(key);
      if (current === undefined || current.metadata.uid !== namespace.metadata.uid) return undefined;
      if (remains.counts.size + remains.failures.length + remains.undiscovered.length === 0) {
        await finalize(current);
        return undefined;
      }
      const conditions = terminatingConditions(current.status?.conditions, remains, context.now());
      if (!sameJson(conditions, current.status?.conditions ?? []))
        await namespaces.updateStatus(current, { ...current.status, conditions });
      return LOOK_AGAIN_MS;
    },
  });
  const isGoing = (name: string): boolean => namespaces.get(name)?.metadata.deletionTimestamp !== undefined;
  const ends = [
    namespaces.subscribe((change) => {
      if (change.object.metadata.deletionTimestamp === undefined || change.type === 'deleted') return;
      // A change of the conditions is this controller's own doing.
      const fresh = change.type === 'added' || change.old.metadata.deletionTimestamp === undefined;
      if (fresh) loop.add(objectKey(change.object));
    }),
    inventory.subscribe(({ change, type }) => {
      if (change.type !== 'deleted') return;
      const { namespace = '' } = change.object.metadata;
      if (namespace === '' || !isGoing(namespace)) return;
      const last = type.resource === TYPES.pods.resource && type.group === '' ? lastPod(namespace) : false;
      if (last || inventory.count(namespace) === 0) loop.add(namespace);
    }),
  ];
  const lastPod = (namespace: string): boolean => context.mirrors.podsByNamespace.count(namespace) === 0;
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};

const ignoreGone = (error: unknown): void => {
  if (!(error instanceof ApiError && error.code === 404)) throw error;
};
