import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import { CliError } from './cli-error.ts';

/** Label of a namespace that takes part in a mesh; its value is the mesh's name. */
export const MONITORED_BY = 'openservicemesh.io/monitored-by';
/** Annotation that switches injection. */
export const SIDECAR_INJECTION = 'openservicemesh.io/sidecar-injection';
/** Label of a namespace that the mesh leaves alone. */
export const IGNORE = 'openservicemesh.io/ignore';

/** Name of a mesh that was given none. */
export const DEFAULT_MESH = 'osm';

/** An installed control plane. */
export interface Mesh {
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  /** It was installed as the only mesh of the cluster. */
  readonly single: boolean;
}

/** Control planes of the cluster, found by their controller's Deployment. */
export async function listMeshes(client: KubeClient): Promise<readonly Mesh[]> {
  const { items } = await client.list(TYPES.deployments, { labelSelector: 'app=osm-controller' });
  return items
    .map(({ metadata }) => ({
      name: metadata.labels?.meshName ?? '',
      namespace: metadata.namespace ?? '',
      version: metadata.labels?.['app.kubernetes.io/version'] ?? '',
      single: metadata.labels?.enforceSingleMesh === 'true',
    }))
    .sort((a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name));
}

/** A Helm release whose installation has not come to a good end. */
export type UnfinishedInstallation = 'interrupted' | 'failed';

/**
 * What is left of an installation that was interrupted (or is under way elsewhere) or failed: Helm keeps each revision of a
 * release in a Secret with the labels `owner`, `name`, `version` and `status` (https://helm.sh/docs/topics/advanced,
 * storage backends). Undefined when there is no such release, or a good one.
 */
export async function unfinishedInstallation(
  client: KubeClient,
  name: string,
  namespace: string,
): Promise<UnfinishedInstallation | undefined> {
  const { items } = await client.list(TYPES.secrets, { namespace, labelSelector: `owner=helm,name=${name}` });
  const labels = items.map(({ metadata }) => metadata.labels ?? {});
  if (labels.some(({ status }) => status !== 'pending-install' && status !== 'failed')) return undefined;
  if (labels.length === 0) return undefined;
  return labels.some(({ status }) => status === 'pending-install') ? 'interrupted' : 'failed';
}

/** The one mesh that is meant. Throws CliError when there is none, or several and no name. */
export function chooseMesh(meshes: readonly Mesh[], name: string): Mesh {
  const candidates = name === '' ? meshes : meshes.filter((mesh) => mesh.name === name);
  const [mesh, ...others] = candidates;
  if (mesh === undefined) {
    throw new CliError(
      name === ''
        ? 'no mesh is installed in this cluster: install one with: osm install'
        : `no mesh ${JSON.stringify(name)} is installed in this cluster: ${
            meshes.length === 0
              ? 'install it with: osm install'
              : `there is ${meshes.map((each) => each.name).join(', ')}: choose with --mesh-name`
          }`,
    );
  }
  if (others.length > 0) {
    throw new CliError(
      `several meshes are installed (${meshes.map((each) => each.name).join(', ')}): name one with --mesh-name`,
    );
  }
  return mesh;
}

/** An object, or undefined when there is none. */
export async function orAbsent<T extends KubeObject>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
