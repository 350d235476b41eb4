import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import { MESH_TYPES } from '../ingest/types.ts';
import { APP_NAME, LABEL, MESH_CONFIG_NAME } from '../surface.ts';
import { applyObject } from './reconcile.ts';

/** Field manager of everything that osm-bootstrap applies. */
export const FIELD_MANAGER = 'osm-bootstrap';

const PRESET = { configMap: 'preset-mesh-config', key: 'preset-mesh-config.json' } as const;
/** A CRD is served a moment after it was accepted. */
const SERVED_POLL_MS = 50;
const SERVED_TIMEOUT_MS = 60_000;

/** A CustomResourceDefinition with the labels that mark it as this release's. */
export function labelledCrd(crd: KubeObject, osmVersion: string): KubeObject {
  const labels = { ...crd.metadata.labels, [LABEL.appName]: APP_NAME, [LABEL.reconcile]: osmVersion };
  return { ...crd, metadata: { ...crd.metadata, labels } };
}

const is = (error: unknown, reason: string): boolean => error instanceof ApiError && error.reason === reason;

/** Applies every CRD. Rejects with the first failure, naming the CRD. */
export async function applyCrds(client: KubeClient, crds: readonly KubeObject[]): Promise<void> {
  await Promise.all(
    crds.map(async (crd) => {
      try {
        await applyObject(client, TYPES.customResourceDefinitions, crd, FIELD_MANAGER);
      } catch (error) {
        throw new Error(`CustomResourceDefinition ${crd.metadata.name} was not accepted: ${String(error)}`);
      }
    }),
  );
}

async function readPreset(client: KubeClient, namespace: string): Promise<object> {
  const configMap = await client.get(TYPES.configMaps, PRESET.configMap, { namespace });
  const text = (configMap.data as Record<string, string> | undefined)?.[PRESET.key];
  const where = `ConfigMap ${namespace}/${PRESET.configMap} key ${PRESET.key}`;
  if (text === undefined) throw new Error(`${where} is missing`);
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw new Error(`${where} is not JSON: ${String(error)}`);
  }
}

/** Creates MeshConfig from the chart's preset unless there is one, which is never changed. Tells whether it did. */
export async function createMeshConfig(client: KubeClient, namespace: string, log: Logger): Promise<boolean> {
  const deadline = Date.now() + SERVED_TIMEOUT_MS;
  let preset: object | undefined;
  for (;;) {
    try {
      await client.get(MESH_TYPES.meshConfigs, MESH_CONFIG_NAME, { namespace });
      return false;
    } catch (error) {
      if (!is(error, 'NotFound')) throw error;
    }
    preset ??= await readPreset(client, namespace);
    try {
      await client.create(
        MESH_TYPES.meshConfigs,
        {
          apiVersion: 'config.openservicemesh.io/v1alpha2',
          kind: 'MeshConfig',
          metadata: { name: MESH_CONFIG_NAME, namespace, labels: { [LABEL.appName]: APP_NAME } },
          spec: preset,
        },
        { namespace },
      );
      log.info({ namespace, name: MESH_CONFIG_NAME }, 'MeshConfig created from the preset');
      return true;
    } catch (error) {
      if (is(error, 'AlreadyExists')) return false;
      if (!is(error, 'NotFound') || Date.now() > deadline) throw error;
    }
    await sleep(SERVED_POLL_MS);
  }
}
