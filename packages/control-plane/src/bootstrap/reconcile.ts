import type { Informer, KubeClient, KubeObject } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';

/** Applies an object as its only owner; equal content changes nothing, so repeating it is free. */
export async function applyObject(
  client: KubeClient,
  type: Informer['type'],
  object: object,
  fieldManager: string,
): Promise<void> {
  const { name, namespace } = (object as KubeObject).metadata;
  await client.patch(type, name, 'apply', object, {
    fieldManager,
    force: true,
    ...(namespace === undefined ? {} : { namespace }),
  });
}

/**
 * Restores objects of the mesh that somebody changed or deleted. `wanted` gives the object by name, or undefined for
 * one that is not ours. Returns the function that ends it.
 */
export function keepApplied(options: {
  readonly client: KubeClient;
  readonly informer: Informer;
  readonly fieldManager: string;
  readonly wanted: (name: string) => object | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}): () => void {
  const { informer, log, metrics } = options;
  const kind = informer.type.kind;
  return informer.subscribe((change) => {
    const { name, generation } = change.object.metadata;
    // Only a change of the spec counts a generation; labels and annotations that users add stay theirs.
    if (change.type === 'added') return;
    if (change.type === 'updated' && change.old.metadata.generation === generation) return;
    const object = options.wanted(name);
    if (object === undefined) return;
    applyObject(options.client, informer.type, object, options.fieldManager).then(
      () => {
        metrics.reconciliations.inc({ kind });
        log.info({ kind, name, change: change.type }, 'restored');
      },
      (error: unknown) => log.error({ kind, name, error: String(error) }, 'restoring failed'),
    );
  });
}
