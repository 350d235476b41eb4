import type { Change, Informer, KubeClient, KubeObject, ListOptions, ResourceType } from '@osm/kube';

/** A plain list-and-watch cache for {@link MemoryApi}, which never disconnects. */
export function createInformer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  options: ListOptions = {},
): Informer<T> {
  const objects = new Map<string, T>();
  const listeners = new Set<(change: Change<T>) => void>();
  const stopping = new AbortController();
  const keyOf = (o: T): string =>
    o.metadata.namespace ? `${o.metadata.namespace}/${o.metadata.name}` : o.metadata.name;
  const tell = (change: Change<T>): void => {
    for (const listener of listeners) listener(change);
  };
  const follow = async (resourceVersion: string): Promise<void> => {
    for await (const { type: kind, object } of client.watch<T>(type, {
      ...options,
      resourceVersion,
      signal: stopping.signal,
    })) {
      const old = objects.get(keyOf(object));
      if (kind === 'DELETED') {
        objects.delete(keyOf(object));
        tell({ type: 'deleted', object });
      } else {
        objects.set(keyOf(object), object);
        tell(old ? { type: 'updated', object, old } : { type: 'added', object });
      }
    }
  };
  const synced = (async () => {
    const list = await client.list<T>(type, options);
    for (const object of list.items) {
      objects.set(keyOf(object), object);
      tell({ type: 'added', object });
    }
    void follow(list.metadata.resourceVersion);
  })();
  return {
    type,
    synced,
    objects,
    get: (key) => objects.get(key),
    subscribe(listener) {
      for (const object of objects.values()) listener({ type: 'added', object });
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => stopping.abort(),
  };
}
