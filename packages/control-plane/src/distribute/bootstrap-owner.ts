import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import { BOOTSTRAP, LABEL } from '../surface.ts';

/**
 * Hands each bootstrap Secret to its pod (ownerReference), so that it is collected with the pod. The injector cannot,
 * as a pod has no uid while it is being admitted. Replicas that do the same write the same. Returns the function to
 * call for each pod seen.
 */
export function createBootstrapOwner(client: KubeClient, log: Logger): (pod: KubeObject) => void {
  const owned = new Map<string, string>();
  return (pod) => {
    const { uid, name, namespace, labels, deletionTimestamp } = pod.metadata;
    const uuid = labels?.[LABEL.proxyUuid];
    if (uuid === undefined || uid === undefined || namespace === undefined) return;
    if (deletionTimestamp !== undefined) {
      owned.delete(uuid);
      return;
    }
    if (owned.get(uuid) === uid) return;
    owned.set(uuid, uid);
    const secret = `${BOOTSTRAP.secretPrefix}${uuid}`;
    const metadata = { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }] };
    client.patch(TYPES.secrets, secret, 'merge', { metadata }, { namespace }).catch((error: unknown) => {
      owned.delete(uuid);
      // A pod that carries the label without having been injected has no such Secret.
      if (error instanceof ApiError && error.code === 404) return;
      log.warn({ namespace, secret, error: String(error) }, 'a bootstrap Secret could not be handed to its pod');
    });
  };
}
