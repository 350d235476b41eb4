import { createInformer, type KubeClient, TYPES } from '@osm/kube';
import { commonEndpoints, readiness, startAdminServer } from '../admin/http.ts';
import { createLogger, type RootLogger } from '../admin/log.ts';
import { createMetrics } from '../admin/metrics.ts';
import { applyObject, keepApplied } from '../bootstrap/reconcile.ts';
import { openAuthority } from '../identity/embedded-authority.ts';
import { createServingIdentity } from '../identity/serving.ts';
import { createPodWebhook } from '../injector/admission.ts';
import { createClusterFacts } from '../injector/cluster-facts.ts';
import { infrastructureExclusions } from '../injector/infrastructure.ts';
import type { NativeSidecar } from '../injector/inject.ts';
import { createOrphanSweeper } from '../injector/orphans.ts';
import { PORT } from '../surface.ts';
import { injectorWebhook } from '../webhook/registration.ts';
import { startWebhookServer } from '../webhook/server.ts';
import {
  type CertificateOptions,
  type ComponentOptions,
  connectToCluster,
  type Running,
  requireEmbeddedAuthority,
  runComponent,
} from './process.ts';

/** Flags of `injector`. */
export interface InjectorOptions extends ComponentOptions, CertificateOptions {
  readonly webhookConfigName: string;
  readonly webhookTimeout: number;
  readonly osmContainerPullPolicy: string;
  readonly nativeSidecar: NativeSidecar;
  readonly sidecarConcurrency: number;
  readonly infrastructureExclusions: readonly string[];
}

/** Ports to bind; 0 lets the system choose. */
export interface InjectorPorts {
  readonly webhook: number;
  readonly health: number;
}

const FIELD_MANAGER = 'osm-injector';

/** Starts the injector on an API server. Resolves once pods are injected. */
export async function startInjector(
  options: InjectorOptions,
  client: KubeClient,
  log: RootLogger,
  ports: InjectorPorts = { webhook: PORT.injector, health: PORT.health },
): Promise<Running & { readonly webhookPort: number; readonly healthPort: number }> {
  requireEmbeddedAuthority(options);
  // Unknown profile names must stop the start, not the first pod.
  infrastructureExclusions(options.infrastructureExclusions, { clusterIP: undefined, endpoints: [] });
  const metrics = createMetrics();
  let missing: string | undefined = 'the webhook is not registered yet';
  const admin = await startAdminServer(
    ports.health,
    { ...commonEndpoints(metrics), '/healthz': readiness(() => missing, 'Health OK') },
    metrics,
  );
  const facts = createClusterFacts(client, log);
  const [issuer] = await Promise.all([openAuthority(client, options, options.osmNamespace), facts()]);
  const service = `osm-injector.${options.osmNamespace}.svc`;
  const serving = await createServingIdentity(issuer, [service, `${service}.cluster.local`], log, (certificate) =>
    server.setCertificate(certificate),
  );
  const sweeper = createOrphanSweeper(client, log);
  const env = (name: string): string => process.env[name] ?? '';
  const server = await startWebhookServer({
    port: ports.webhook,
    path: '/mutate-pod-creation',
    certificate: serving.certificate(),
    log,
    handle: createPodWebhook({
      client,
      issuer,
      meshName: options.meshName,
      osmNamespace: options.osmNamespace,
      osmVersion: options.osmVersion,
      trustDomain: options.trustDomain,
      meshConfigName: options.osmConfigName,
      images: {
        envoy: env('OSM_DEFAULT_ENVOY_IMAGE'),
        init: env('OSM_DEFAULT_INIT_CONTAINER_IMAGE'),
        healthcheck: env('OSM_DEFAULT_HEALTHCHECK_CONTAINER_IMAGE'),
      },
      pullPolicy: options.osmContainerPullPolicy,
      infrastructureProfiles: options.infrastructureExclusions,
      nativeSidecar: options.nativeSidecar,
      concurrency: options.sidecarConcurrency,
      facts,
      bootstrapMade: (namespace, uuid) => sweeper.made(namespace, uuid),
      log,
    }),
    answered: (request, verdict) =>
      metrics.webhookResponses.inc({ kind: request.kind.kind, success: String(verdict.allowed) }),
  });
  const webhook = injectorWebhook({
    name: options.webhookConfigName,
    meshName: options.meshName,
    osmNamespace: options.osmNamespace,
    osmVersion: options.osmVersion,
    caBundle: issuer.trustBundle(),
    timeoutSeconds: options.webhookTimeout,
  });
  await applyObject(client, TYPES.mutatingWebhooks, webhook, FIELD_MANAGER);
  const reconciler = options.enableReconciler ? createInformer(client, TYPES.mutatingWebhooks) : undefined;
  if (reconciler !== undefined) {
    keepApplied({
      client,
      informer: reconciler,
      fieldManager: FIELD_MANAGER,
      wanted: (name) => (name === options.webhookConfigName ? webhook : undefined),
      log,
      metrics,
    });
  }
  missing = undefined;
  log.info({ webhook: options.webhookConfigName }, 'pods are injected');
  return {
    webhookPort: server.port,
    healthPort: admin.port,
    async close() {
      reconciler?.stop();
      serving.close();
      sweeper.stop();
      await Promise.all([server.close(), admin.close()]);
    },
  };
}

/** `injector`: runs until SIGTERM. */
export async function injector(options: InjectorOptions): Promise<void> {
  const log = createLogger('osm-injector', options.verbosity);
  const client = connectToCluster();
  const place = { client, namespace: options.osmNamespace, pod: process.env.INJECTOR_POD_NAME };
  await runComponent(log, place, () => startInjector(options, client, log));
}
