import { crds } from '@osm/api';
import { createInformer, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import { commonEndpoints, readiness, startAdminServer } from '../admin/http.ts';
import { createLogger, type Logger } from '../admin/log.ts';
import { createMetrics } from '../admin/metrics.ts';
import { applyCrds, createMeshConfig, FIELD_MANAGER, labelledCrd } from '../bootstrap/bootstrap.ts';
import { keepApplied } from '../bootstrap/reconcile.ts';
import { PORT } from '../surface.ts';
import { type ComponentOptions, connectToCluster, type Running, runComponent } from './process.ts';

/** Starts osm-bootstrap. Resolves once the CRDs are served and MeshConfig exists. */
export async function startBootstrap(
  options: ComponentOptions,
  client: KubeClient,
  log: Logger,
  healthPort: number = PORT.health,
): Promise<Running & { readonly healthPort: number }> {
  const metrics = createMetrics();
  let missing: string | undefined = 'the CRDs are not applied yet';
  const admin = await startAdminServer(
    healthPort,
    { ...commonEndpoints(metrics), '/healthz': readiness(() => missing, 'Health OK') },
    metrics,
  );
  const wanted = (crds() as KubeObject[]).map((crd) => labelledCrd(crd, options.osmVersion));
  await applyCrds(client, wanted);
  await createMeshConfig(client, options.osmNamespace, log);
  const byName = new Map(wanted.map((crd) => [crd.metadata.name, crd]));
  const reconciler = options.enableReconciler ? createInformer(client, TYPES.customResourceDefinitions) : undefined;
  if (reconciler !== undefined) {
    keepApplied({
      client,
      informer: reconciler,
      fieldManager: FIELD_MANAGER,
      wanted: (name) => byName.get(name),
      log,
      metrics,
    });
  }
  missing = undefined;
  log.info({ crds: wanted.length }, 'CRDs and MeshConfig are in place');
  return {
    healthPort: admin.port,
    async close() {
      reconciler?.stop();
      await admin.close();
    },
  };
}

/** `bootstrap`: runs until SIGTERM. */
export async function bootstrap(options: ComponentOptions): Promise<void> {
  const log = createLogger('osm-bootstrap', options.verbosity);
  const client = connectToCluster();
  const place = { client, namespace: options.osmNamespace, pod: process.env.BOOTSTRAP_POD_NAME };
  await runComponent(log, place, () => startBootstrap(options, client, log));
}
