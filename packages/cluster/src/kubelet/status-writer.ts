import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ApiError, type KubeClient, TYPES } from '@osm/kube';
import { type Pod, type PodStatus, podKey } from './pod.ts';

/** Sends pod statuses: only changes, one request per pod at a time, always the newest. */
export interface StatusWriter {
  /** Hands over the newest status; returns at once. */
  write(pod: Pod, status: PodStatus): void;
  /** Resolves when the newest status of the pod has been sent or refused for good. */
  settled(pod: Pod): Promise<void>;
  /** Drops what is known of a pod. */
  forget(pod: Pod): void;
  stop(): void;
}

interface Entry {
  wanted: PodStatus | undefined;
  sent: PodStatus | undefined;
  busy: Promise<void> | undefined;
}

/** Requests at a time over all pods. */
const CONCURRENCY = 32;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

/** A status writer over the API. A pod that has been replaced or deleted (uid precondition, 404) is let go. */
export function createStatusWriter(client: KubeClient, log: (message: string) => void): StatusWriter {
  const entries = new Map<string, Entry>();
  const stopping = new AbortController();
  const turns: (() => void)[] = [];
  let busy = 0;

  const inTurn = async (request: () => Promise<unknown>): Promise<void> => {
    if (busy >= CONCURRENCY) await new Promise<void>((resolve) => turns.push(resolve));
    busy += 1;
    try {
      await request();
    } finally {
      busy -= 1;
      turns.shift()?.();
    }
  };
  const send = async (pod: Pod, entry: Entry): Promise<void> => {
    let wait = FIRST_RETRY_MS;
    while (entry.wanted && !stopping.signal.aborted) {
      const status = entry.wanted;
      try {
        const { name, uid, namespace = 'default' } = pod.metadata;
        await inTurn(() =>
          client.patch(
            TYPES.pods,
            name,
            'merge',
            { metadata: { uid }, status: mergeOver(entry.sent, status) },
            { namespace, subresource: 'status' },
          ),
        );
        entry.sent = status;
        wait = FIRST_RETRY_MS;
        if (entry.wanted === status) entry.wanted = undefined;
      } catch (error) {
        if (error instanceof ApiError && (error.code === 404 || error.code === 422 || isOtherPod(error))) {
          if (error.code === 422) log(`status of pod ${podKey(pod)} refused: ${error.message}`);
          if (entry.wanted === status) entry.wanted = undefined;
        } else {
          await delay(wait, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
          wait = Math.min(wait * 2, LAST_RETRY_MS);
        }
      }
    }
  };

  const pump = (pod: Pod, entry: Entry): void => {
    entry.busy ??= send(pod, entry).finally(() => {
      entry.busy = undefined;
      if (entry.wanted && !stopping.signal.aborted) pump(pod, entry);
    });
  };

  return {
    write(pod, status) {
      const uid = pod.metadata.uid ?? podKey(pod);
      const entry = entries.get(uid) ?? { wanted: undefined, sent: pod.status, busy: undefined };
      entries.set(uid, entry);
      if (isDeepStrictEqual(entry.wanted ?? ownFields(entry.sent), status)) return;
      entry.wanted = status;
      pump(pod, entry);
    },
    async settled(pod) {
      await entries.get(pod.metadata.uid ?? podKey(pod))?.busy;
    },
    forget(pod) {
      const uid = pod.metadata.uid ?? podKey(pod);
      const entry = entries.get(uid);
      if (entry) entry.wanted = undefined;
      entries.delete(uid);
    },
    stop() {
      stopping.abort();
    },
  };
}

function isOtherPod(error: ApiError): boolean {
  return error.code === 409 && /uid/i.test(error.message);
}

/** The fields of a status that the kubelet owns; the rest (qosClass, resize, …) is the API server's. */
const OWN = [
  'phase',
  'reason',
  'message',
  'observedGeneration',
  'conditions',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
] as const;

function ownFields(status: PodStatus | undefined): Partial<PodStatus> {
  return Object.fromEntries(
    OWN.filter((field) => status?.[field] !== undefined).map((field) => [field, status?.[field]]),
  );
}

/** A merge patch that also removes fields which are no longer there. */
function mergeOver(sent: PodStatus | undefined, status: PodStatus): Record<string, unknown> {
  const gone = OWN.filter((field) => sent?.[field] !== undefined && status[field] === undefined);
  return { ...status, ...Object.fromEntries(gone.map((field) => [field, null])) };
}
