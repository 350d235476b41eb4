import type { KubeObject } from '@osm/kube';
import type { ProxyPod } from '../distribute/connections.ts';
import { LABEL } from '../surface.ts';

interface PodFields {
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly hostname?: string;
    readonly subdomain?: string;
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly containers?: readonly { readonly name: string; readonly ports?: unknown }[];
  };
  readonly status?: { readonly phase?: string; readonly podIP?: string; readonly podIPs?: unknown };
}

const without = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;

/**
 * The part of a pod that the mesh is computed from. Pods change often in ways that do not matter here (conditions,
 * container states); equal parts let those changes pass unnoticed, and thousands of pods stay small in memory.
 */
export function slimPod(pod: KubeObject): KubeObject {
  const { spec = {}, status = {} } = pod as unknown as PodFields;
  const { name, namespace, uid, labels, annotations, ownerReferences, deletionTimestamp } = pod.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: without({
      name,
      namespace,
      uid,
      labels,
      annotations,
      ownerReferences,
      deletionTimestamp,
    }) as KubeObject['metadata'],
    spec: without({
      serviceAccountName: spec.serviceAccountName,
      hostname: spec.hostname,
      subdomain: spec.subdomain,
      nodeName: spec.nodeName,
      hostNetwork: spec.hostNetwork,
      containers: spec.containers?.map(({ name: container, ports }) => without({ name: container, ports })),
    }),
    status: without({ phase: status.phase, podIP: status.podIP, podIPs: status.podIPs }),
  };
}

/** What admission of a proxy needs to know of its pod. */
export function proxyPod(pod: KubeObject): ProxyPod {
  const { spec } = pod as unknown as PodFields;
  return {
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    serviceAccount: spec?.serviceAccountName || 'default',
  };
}

/** The pods of the mesh's API server, slim, with an index by proxy UUID. */
export interface PodCache {
  readonly pods: ReadonlyMap<string, KubeObject>;
  byUuid(uuid: string): KubeObject | undefined;
  /** Takes a pod in; tells whether the mesh could look different now. */
  set(key: string, pod: KubeObject): boolean;
  delete(key: string): boolean;
}

/** Creates an empty cache. */
export function createPodCache(): PodCache {
  const pods = new Map<string, KubeObject>();
  const texts = new Map<string, string>();
  const uuids = new Map<string, string>();
  return {
    pods,
    byUuid(uuid) {
      const key = uuids.get(uuid);
      return key === undefined ? undefined : pods.get(key);
    },
    set(key, pod) {
      const slim = slimPod(pod);
      const text = JSON.stringify(slim);
      if (texts.get(key) === text) return false;
      const uuid = slim.metadata.labels?.[LABEL.proxyUuid];
      const formerUuid = pods.get(key)?.metadata.labels?.[LABEL.proxyUuid];
      if (formerUuid !== undefined && formerUuid !== uuid && uuids.get(formerUuid) === key) uuids.delete(formerUuid);
      if (uuid !== undefined) uuids.set(uuid, key);
      pods.set(key, slim);
      texts.set(key, text);
      return true;
    },
    delete(key) {
      const old = pods.get(key);
      if (old === undefined) return false;
      const uuid = old.metadata.labels?.[LABEL.proxyUuid];
      if (uuid !== undefined && uuids.get(uuid) === key) uuids.delete(uuid);
      texts.delete(key);
      return pods.delete(key);
    },
  };
}
