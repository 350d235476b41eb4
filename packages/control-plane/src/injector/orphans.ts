import { ApiError, type KubeClient, TYPES } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import { BOOTSTRAP, LABEL } from '../surface.ts';

/** Deletes bootstrap Secrets whose pod never came to be. */
export interface OrphanSweeper {
  /** A Secret was made for a pod that is being admitted. */
  made(namespace: string, uuid: string): void;
  /** Looks once at every Secret that is old enough; done by itself every few minutes. */
  sweep(): Promise<void>;
  stop(): void;
}

/** A pod appears within moments of its admission, or was refused by something that came after the injector. */
const PATIENCE_MS = 10 * 60_000;
const SWEEP_MS = 5 * 60_000;
/** Bounds memory when pods are refused faster than they can be swept; older Secrets are given up first. */
const MAX_WATCHED = 10_000;

/**
 * A pod can still be refused after its admission (quota, another webhook), which leaves its Secret behind. The sweeper
 * remembers the Secrets this process made and deletes those for which no pod exists after ten minutes.
 */
export function createOrphanSweeper(client: KubeClient, log: Logger, now: () => number = Date.now): OrphanSweeper {
  const watched = new Map<string, { readonly namespace: string; readonly at: number }>();

  async function hasPod(namespace: string, uuid: string): Promise<boolean> {
    const labelSelector = `${LABEL.proxyUuid}=${uuid}`;
    return (await client.list(TYPES.pods, { namespace, labelSelector, limit: 1 })).items.length > 0;
  }
  const sweep = async (): Promise<void> => {
    for (const [uuid, { namespace, at }] of [...watched]) {
      if (now() - at < PATIENCE_MS) break;
      const secret = `${BOOTSTRAP.secretPrefix}${uuid}`;
      try {
        if (!(await hasPod(namespace, uuid))) {
          await client.delete(TYPES.secrets, secret, { namespace });
          log.info({ namespace, secret }, 'deleted the bootstrap of a pod that never came to be');
        }
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 404) {
          log.warn({ namespace, secret, error: String(error) }, 'a bootstrap Secret could not be swept');
          continue;
        }
      }
      watched.delete(uuid);
    }
  };
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  timer.unref();
  return {
    made(namespace, uuid) {
      if (watched.size >= MAX_WATCHED) watched.delete(watched.keys().next().value ?? '');
      watched.set(uuid, { namespace, at: now() });
    },
    sweep,
    stop: () => clearInterval(timer),
  };
}
