import { createInformer, type Informer, type KubeClient, TYPES } from '@osm/kube';
import type { Issuer } from '@osm/pki';
import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';
import { applyObject, keepApplied } from '../bootstrap/reconcile.ts';
import { createServingIdentity } from '../identity/serving.ts';
import { validatorWebhook } from '../webhook/registration.ts';
import { startWebhookServer } from '../webhook/server.ts';
import { createPolicyWebhook } from './admission.ts';

const FIELD_MANAGER = 'osm-controller';
const TIMEOUT_SECONDS = 10;

/** What the validator needs. */
export interface ValidatorOptions {
  readonly client: KubeClient;
  readonly issuer: Issuer;
  readonly webhookName: string;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly osmVersion: string;
  readonly validateTrafficTarget: boolean;
  readonly enableReconciler: boolean;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Serves the validating webhook and registers it. Resolves once policies are checked. */
export async function startValidator(
  options: ValidatorOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { client, issuer, log, metrics } = options;
  const service = `osm-validator.${options.osmNamespace}.svc`;
  const serving = await createServingIdentity(issuer, [service, `${service}.cluster.local`], log, (certificate) =>
    server.setCertificate(certificate),
  );
  const server = await startWebhookServer({
    port: options.port,
    path: '/validate',
    certificate: serving.certificate(),
    log,
    handle: createPolicyWebhook(client),
    answered: (request, verdict) =>
      metrics.webhookResponses.inc({ kind: request.kind.kind, success: String(verdict.allowed) }),
  });
  const webhook = validatorWebhook({
    name: options.webhookName,
    meshName: options.meshName,
    osmNamespace: options.osmNamespace,
    osmVersion: options.osmVersion,
    caBundle: issuer.trustBundle(),
    timeoutSeconds: TIMEOUT_SECONDS,
    validateTrafficTarget: options.validateTrafficTarget,
  });
  await applyObject(client, TYPES.validatingWebhooks, webhook, FIELD_MANAGER);
  let reconciler: Informer | undefined;
  if (options.enableReconciler) {
    reconciler = createInformer(client, TYPES.validatingWebhooks);
    keepApplied({
      client,
      informer: reconciler,
      fieldManager: FIELD_MANAGER,
      wanted: (name) => (name === options.webhookName ? webhook : undefined),
      log,
      metrics,
    });
  }
  return {
    port: server.port,
    async close() {
      reconciler?.stop();
      serving.close();
      await server.close();
    },
  };
}
