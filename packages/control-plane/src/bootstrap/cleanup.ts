import { ApiError, type KubeClient, type ResourceType, TYPES } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import { MESH_TYPES } from '../ingest/types.ts';
import { MESH_CONFIG_NAME } from '../surface.ts';

/** Names of what one control plane made while it ran. */
export interface CleanupTargets {
  readonly osmNamespace: string;
  readonly caBundleSecretName: string;
  readonly mutatingWebhook: string;
  readonly validatingWebhook: string;
}

/**
 * Deletes what an uninstalled control plane leaves behind: its webhooks (first, as nothing answers them any more), its
 * MeshConfig, root certificate object and CA Secret. CRDs and policies stay. What is gone already is no error.
 */
export async function cleanUp(client: KubeClient, targets: CleanupTargets, log: Logger): Promise<void> {
  const namespace = targets.osmNamespace;
  const steps: readonly [ResourceType, string][] = [
    [TYPES.mutatingWebhooks, targets.mutatingWebhook],
    [TYPES.validatingWebhooks, targets.validatingWebhook],
    [MESH_TYPES.meshConfigs, MESH_CONFIG_NAME],
    [MESH_TYPES.meshRootCertificates, 'osm-mesh-root-certificate'],
    [TYPES.secrets, targets.caBundleSecretName],
  ];
  for (const [type, name] of steps) {
    try {
      await client.delete(type, name, type.namespaced ? { namespace } : {});
      log.info({ kind: type.kind, name }, 'deleted');
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }
}
