import { createInformer, type KubeClient, type KubeObject, type ResourceType, TYPES } from '@osm/kube';

/** Resolves when an object of the type fulfils the condition, as its watch tells. Rejects when the signal fires first. */
export function untilObject(
  client: KubeClient,
  type: ResourceType,
  holds: (object: KubeObject) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const informer = createInformer(client, type);
  return new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    informer.subscribe((change) => {
      if (change.type !== 'deleted' && holds(change.object)) resolve();
    });
  }).finally(() => informer.stop());
}

/** Resolves when the node of this name is Ready. */
export function untilNodeReady(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  return untilObject(client, TYPES.nodes, (node) => node.metadata.name === name && isReady(node), signal);
}

/** Resolves when pods can be made in `default`: its service account is there. */
export function untilDefaultAccount(client: KubeClient, signal: AbortSignal): Promise<void> {
  return untilObject(
    client,
    TYPES.serviceAccounts,
    ({ metadata }) => metadata.namespace === 'default' && metadata.name === 'default',
    signal,
  );
}

function isReady(node: KubeObject): boolean {
  const { conditions = [] } = (node.status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}
