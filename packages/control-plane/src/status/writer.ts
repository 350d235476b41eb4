import { ApiError, type KubeClient, type KubeObject, type ResourceType } from '@osm/kube';
import type { Logger } from '../admin/log.ts';

/** Writes the status subresource of policies. */
export interface StatusWriter {
  /**
   * Sees to it that the object's status holds these fields. Nothing is sent while the object holds them already or
   * the same was just written, so it may be called for every object on every change.
   */
  write(type: ResourceType, object: KubeObject, status: Readonly<Record<string, unknown>>): void;
}

/** Creates a writer. Failures are logged and tried again with the next call. */
export function createStatusWriter(client: KubeClient, log: Logger): StatusWriter {
  const written = new Map<string, string>();
  return {
    write(type, object, status) {
      const { name, namespace, uid, generation } = object.metadata;
      const key = `${type.resource}/${namespace ?? ''}/${name}`;
      const content = JSON.stringify([uid, generation, status]);
      if (written.get(key) === content) return;
      const present = (object.status ?? {}) as Record<string, unknown>;
      const same = Object.entries(status).every(
        ([field, value]) => JSON.stringify(present[field]) === JSON.stringify(value),
      );
      written.set(key, content);
      if (same) return;
      const options = { subresource: 'status' as const, ...(namespace === undefined ? {} : { namespace }) };
      client.patch(type, name, 'merge', { status }, options).catch((error: unknown) => {
        written.delete(key);
        if (error instanceof ApiError && error.code === 404) return;
        log.warn({ kind: type.kind, namespace, name, error: String(error) }, 'a status could not be written');
      });
    },
  };
}
