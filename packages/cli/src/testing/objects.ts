import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { IGNORE, MONITORED_BY, SIDECAR_INJECTION } from '../meshes.ts';

type Stored = readonly [type: ResourceType, object: KubeObject];

/** A namespace, perhaps part of a mesh. */
export function namespace(
  name: string,
  { mesh, injection, ignored }: { mesh?: string; injection?: string; ignored?: boolean } = {},
): Stored {
  return [
    TYPES.namespaces,
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        labels: { ...(mesh !== undefined && { [MONITORED_BY]: mesh }), ...(ignored && { [IGNORE]: 'true' }) },
        annotations: injection === undefined ? {} : { [SIDECAR_INJECTION]: injection },
      },
    },
  ];
}

/** A control plane, by its controller's Deployment as the chart makes it. */
export function mesh(name: string, inNamespace: string, { single = false, version = '2.0.0' } = {}): Stored {
  return [
    TYPES.deployments,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'osm-controller',
        namespace: inNamespace,
        labels: {
          app: 'osm-controller',
          meshName: name,
          'app.kubernetes.io/version': version,
          enforceSingleMesh: String(single),
        },
      },
    },
  ];
}

/** Helm's record of a release. */
export function release(name: string, inNamespace: string, status: string, version = 1): Stored {
  return [
    TYPES.secrets,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: `sh.helm.release.v1.${name}.v${version}`,
        namespace: inNamespace,
        labels: { owner: 'helm', name, status, version: String(version) },
      },
    },
  ];
}
