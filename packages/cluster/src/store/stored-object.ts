import type { KubeObject } from '@osm/kube';

/** One object as the store keeps it: frozen, with its JSON text made once and shared by every answer and watch. */
export interface StoredObject {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  readonly object: KubeObject;
  readonly json: string;
  readonly revision: number;
}
