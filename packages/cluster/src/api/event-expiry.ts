import { type Store, StoreConflict } from '../store/index.ts';

/** Events older than an hour tell nobody anything: the default of Kubernetes. */
const EVENT_TTL_MS = 3_600_000;

/** However young they are, this many events are kept at most. */
const EVENT_LIMIT = 20_000;

/** Deletes events that are too old or too many, oldest first. Returns how many it deleted. */
export const expireEvents = (store: Store, now: Date): number => {
  const events = store.list('events');
  const age = (time: string | undefined): number => now.getTime() - Date.parse(time ?? now.toISOString());
  const old = events.filter(({ object }) => age(object.metadata.creationTimestamp) > EVENT_TTL_MS);
  const surplus = events.length - old.length - EVENT_LIMIT;
  const kept = new Set(old);
  const oldest =
    surplus <= 0
      ? []
      : events
          .filter((event) => !kept.has(event))
          .sort((left, right) => left.revision - right.revision)
          .slice(0, surplus);
  let deleted = 0;
  for (const { key, revision } of [...old, ...oldest]) {
    try {
      store.remove('events', key, revision);
      deleted += 1;
    } catch (error) {
      // Written in the meantime: it is young again.
      if (!(error instanceof StoreConflict)) throw error;
    }
  }
  return deleted;
};
