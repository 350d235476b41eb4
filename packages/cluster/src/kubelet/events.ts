import { type KubeClient, type KubeObject, TYPES } from '@osm/kube';

/** Writes core/v1 Events about one node's objects. */
export interface EventRecorder {
  /** Never rejects and never waits. `container` fills involvedObject.fieldPath. */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void;
}

/** Events of one object may come in a burst, then one in this many milliseconds (client-go's spam filter). */
const BURST = 25;
const REFILL_MS = 5 * 60_000;
/** Repeats within this time only raise the count of the first event. */
const REPEAT_MS = 10 * 60_000;
const QUEUE_LIMIT = 1000;
const REMEMBERED = 4096;

interface Sent {
  name: string;
  count: number;
  at: number;
}

/** An event recorder for `component` on `host`: repeats are counted, floods are dropped, failures are reported to `log` only. */
export function createEventRecorder(
  client: KubeClient,
  component: string,
  host: string,
  log: (message: string) => void,
): EventRecorder {
  const sent = new Map<string, Sent>();
  const buckets = new Map<string, { tokens: number; at: number }>();
  const queue: (() => Promise<unknown>)[] = [];
  let draining = false;

  const allowed = (key: string, now: number): boolean => {
    const bucket = buckets.get(key) ?? { tokens: BURST, at: now };
    bucket.tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    bucket.at = now;
    forgetOldest(buckets);
    buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };
  const drain = async (): Promise<void> => {
    if (draining) return;
    draining = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      await next().catch((error: unknown) =>
        log(`cannot write an event: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
    draining = false;
  };

  return {
    record(object, type, reason, message, container) {
      const now = Date.now();
      const uid = object.metadata.uid ?? object.metadata.name;
      if (queue.length >= QUEUE_LIMIT || !allowed(uid, now)) return;
      const namespace = object.metadata.namespace ?? 'default';
      const key = JSON.stringify([uid, type, reason, message, container]);
      const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
      const before = sent.get(key);
      if (before && now - before.at < REPEAT_MS) {
        before.count += 1;
        before.at = now;
        const { name, count } = before;
        queue.push(() => client.patch(TYPES.coreEvents, name, 'merge', { count, lastTimestamp: time }, { namespace }));
      } else {
        const name = `${object.metadata.name}.${now.toString(16)}${Math.floor(Math.random() * 2 ** 24)
          .toString(16)
          .padStart(6, '0')}`;
        forgetOldest(sent);
        sent.set(key, { name, count: 1, at: now });
        queue.push(() =>
          client.create(
            TYPES.coreEvents,
            {
              apiVersion: 'v1',
              kind: 'Event',
              metadata: { name, namespace },
              involvedObject: {
                apiVersion: object.apiVersion,
                kind: object.kind,
                name: object.metadata.name,
                namespace: object.metadata.namespace,
                uid: object.metadata.uid,
                resourceVersion: object.metadata.resourceVersion,
                ...(container ? { fieldPath: `spec.containers{${container}}` } : {}),
              },
              type,
              reason,
              message: message.slice(0, 1024),
              source: { component, host },
              reportingComponent: component,
              reportingInstance: host,
              firstTimestamp: time,
              lastTimestamp: time,
              count: 1,
            },
            { namespace },
          ),
        );
      }
      void drain();
    },
  };
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size < REMEMBERED) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}
