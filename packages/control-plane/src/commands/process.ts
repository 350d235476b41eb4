import { createKubeClient, inClusterConfig, type KubeClient, TYPES } from '@osm/kube';
import type { Logger } from '../admin/log.ts';

/** Options that the three long-running components share. */
export interface ComponentOptions {
  readonly verbosity: string;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly osmServiceAccount: string;
  readonly osmVersion: string;
  readonly osmConfigName: string;
  readonly enableReconciler: boolean;
}

/** Options of the certificate provider, shared by the controller and the injector. */
export interface CertificateOptions {
  readonly certificateManager: string;
  readonly caBundleSecretName: string;
  readonly trustDomain: string;
}

/** A component that cannot start; `reason` becomes the reason of an Event on its pod. */
export class FatalError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'FatalError';
    this.reason = reason;
  }
}

/** The client of the API server that this process runs under. */
export function connectToCluster(): KubeClient {
  return createKubeClient(inClusterConfig());
}

/** Refuses certificate providers that this release does not have. */
export function requireEmbeddedAuthority(options: CertificateOptions): void {
  if (options.certificateManager === 'tresor') return;
  throw new FatalError(
    'FatalInvalidCertificateManager',
    `certificate manager ${JSON.stringify(options.certificateManager)} is not available in this release; use tresor`,
  );
}

async function recordFatal(client: KubeClient, namespace: string, pod: string, error: unknown): Promise<void> {
  const now = new Date().toISOString();
  const reason = error instanceof FatalError ? error.reason : 'FatalInitializationError';
  await client.create(
    TYPES.coreEvents,
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${pod}.`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: pod, namespace },
      type: 'Warning',
      reason,
      message: error instanceof Error ? error.message : String(error),
      source: { component: pod },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    },
    { namespace },
  );
}

/** What a component gives back once it runs. */
export interface Running {
  close(): Promise<void>;
}

/**
 * Runs a component until SIGTERM or SIGINT, then closes it. A failure to start is logged, recorded as an Event on the
 * component's pod, and ends the process with code 1.
 */
export async function runComponent(
  log: Logger,
  place: { readonly client: KubeClient; readonly namespace: string; readonly pod: string | undefined },
  start: () => Promise<Running>,
): Promise<void> {
  let running: Running;
  try {
    running = await start();
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : String(error) }, 'cannot start');
    if (place.pod !== undefined) {
      await recordFatal(place.client, place.namespace, place.pod, error).catch((failure: unknown) =>
        log.warn({ error: String(failure) }, 'the failure could not be recorded as an Event'),
      );
    }
    place.client.close();
    process.exitCode = 1;
    return;
  }
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log.info({ signal }, 'stopping');
        resolve();
      });
    }
  });
  await running.close();
  place.client.close();
}
