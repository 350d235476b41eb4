import {
  ApiError,
  createWorkQueue,
  type KubeClient,
  type KubeObject,
  type ResourceType,
  TYPES,
  type WorkQueueOptions,
} from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import type { EventBody } from './event.ts';

/** Writes what users are to see of their objects: statuses and Events. */
export interface StatusWriter {
  /**
   * Sees to it that the object's status holds these fields. Nothing is sent while the object holds them already or
   * the same was just written, so it may be called for every object on every change.
   */
  status(type: ResourceType, object: KubeObject, status: Readonly<Record<string, unknown>>): void;
  /** Sees to it that the Event is there; when it is, that it says that it goes on. */
  event(event: EventBody): void;
  /** The Event need not be written any more, if it is not yet. */
  drop(event: EventBody): void;
  /** Resolves when nothing is under way; what waits for another try does not count. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

interface Written {
  readonly uid: string | undefined;
  /** As text. */
  readonly status: string;
}

/** Answers after which another try would be answered the same: the object or its namespace is gone, or no such is taken. */
const FINAL: ReadonlySet<number> = new Set([400, 403, 404, 422]);

/**
 * Creates a writer. It sends one request at a time, the newest wish for each object, and tries again after failures.
 * Replicas that do the same side by side write the same.
 */
export function createStatusWriter(
  client: KubeClient,
  log: Logger,
  backoff?: NonNullable<WorkQueueOptions['backoff']>,
): StatusWriter {
  const wanted = new Map<string, () => Promise<unknown>>();
  const written = new Map<string, Written>();

  const queue = createWorkQueue({
    async reconcile(key) {
      const send = wanted.get(key);
      if (send === undefined) return;
      try {
        await send();
      } catch (error) {
        if (!(error instanceof ApiError && FINAL.has(error.code))) throw error;
        if (error.code !== 404) log.warn({ what: key, error: error.message }, 'a status could not be written');
      }
      if (wanted.get(key) === send) wanted.delete(key);
    },
    onError: (key, error, retryMs) =>
      log.warn({ what: key, error: String(error), retry_ms: retryMs }, 'a status could not be written yet'),
    ...(backoff === undefined ? {} : { backoff }),
  });
  const want = (key: string, send: () => Promise<unknown>): void => {
    wanted.set(key, send);
    queue.add(key);
  };

  async function put(event: EventBody): Promise<void> {
    const { name, namespace } = event.metadata;
    try {
      await client.create(TYPES.coreEvents, event, { namespace });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 409)) throw error;
      const { lastTimestamp, message } = event;
      await client.patch(TYPES.coreEvents, name, 'merge', { lastTimestamp, message }, { namespace });
    }
  }
  const keyOf = ({ metadata }: EventBody): string => `event ${metadata.namespace}/${metadata.name}`;

  return {
    status(type, object, status) {
      const { name, namespace, uid } = object.metadata;
      const key = `${type.resource} ${namespace ?? ''}/${name}`;
      const content = JSON.stringify(status);
      const last = written.get(key);
      if (last?.uid === uid && last?.status === content) return;
      written.set(key, { uid, status: content });
      // What this writer wrote is not seen in the object, as changes of status are no news.
      const present = (last?.uid === uid && last !== undefined ? {} : (object.status ?? {})) as Record<string, unknown>;
      if (Object.entries(status).every(([field, value]) => JSON.stringify(present[field]) === JSON.stringify(value)))
        return;
      const options = { subresource: 'status' as const, ...(namespace === undefined ? {} : { namespace }) };
      want(key, () => client.patch(type, name, 'merge', { status }, options));
    },
    event: (event) => want(keyOf(event), () => put(event)),
    drop: (event) => {
      wanted.delete(keyOf(event));
    },
    idle: () => queue.idle(),
    close: () => queue.stop(),
  };
}
