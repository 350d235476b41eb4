import type { KubeClient, KubeObject } from '@osm/kube';
import { createDebugServer, debugEndpoints } from '../admin/debug.ts';
import { commonEndpoints, readiness, startAdminServer } from '../admin/http.ts';
import { createLogger, type RootLogger } from '../admin/log.ts';
import { createMetrics } from '../admin/metrics.ts';
import { createBootstrapOwner } from '../distribute/bootstrap-owner.ts';
import { createCorePlanner } from '../distribute/core-planner.ts';
import { createDataPlane } from '../distribute/data-plane.ts';
import { openAuthority } from '../identity/embedded-authority.ts';
import { createGatewayCertificate } from '../identity/gateway-certificate.ts';
import { createCoalescer } from '../ingest/coalesce.ts';
import { readControlSettings } from '../ingest/control-settings.ts';
import { startIngest } from '../ingest/ingest.ts';
import { createPodCache } from '../ingest/pods.ts';
import { createFaultReporter } from '../status/faults.ts';
import { createStatusWriter } from '../status/writer.ts';
import { LABEL, PORT } from '../surface.ts';
import { startValidator } from '../validator/serve.ts';
import {
  type CertificateOptions,
  type ComponentOptions,
  connectToCluster,
  type Running,
  requireEmbeddedAuthority,
  runComponent,
} from './process.ts';

/** Flags of `controller`. */
export interface ControllerOptions extends ComponentOptions, CertificateOptions {
  readonly validatorWebhookConfig: string;
  readonly validateTrafficTarget: boolean;
}

/** Ports to bind; 0 lets the system choose. */
export interface ControllerPorts {
  readonly ads: number;
  readonly health: number;
  readonly debug: number;
  readonly validator: number;
}

const PORTS: ControllerPorts = {
  ads: PORT.ads,
  health: PORT.health,
  debug: PORT.debug,
  validator: PORT.validator,
};
/** A burst of changes ends after this long without one … */
const QUIET_MS = 10;
/** … and is acted on after this long at the latest. */
const CAP_MS = 100;

/** Kinds and versions of the Service Mesh Interface that are read. */
const SMI_VERSIONS = {
  TrafficTarget: 'access.smi-spec.io/v1alpha3',
  HTTPRouteGroup: 'specs.smi-spec.io/v1alpha4',
  TCPRoute: 'specs.smi-spec.io/v1alpha4',
  TrafficSplit: 'split.smi-spec.io/v1alpha2',
};

/** A controller that serves. */
export interface RunningController extends Running {
  readonly adsPort: number;
  readonly healthPort: number;
  readonly validatorPort: number;
  readonly debugPort: () => number | undefined;
}

/** Starts the controller on an API server. Resolves once proxies are served and policies are checked. */
export async function startController(
  options: ControllerOptions,
  client: KubeClient,
  log: RootLogger,
  ports: ControllerPorts = PORTS,
): Promise<RunningController> {
  requireEmbeddedAuthority(options);
  const { meshName, osmNamespace, trustDomain } = options;
  const metrics = createMetrics();
  let missing: string | undefined = 'the certificate authority is not open yet';
  const admin = await startAdminServer(
    ports.health,
    {
      ...commonEndpoints(metrics),
      '/health/ready': readiness(() => missing),
      '/smi/version': () => ({ status: 200, body: SMI_VERSIONS }),
    },
    metrics,
  );

  let settings = readControlSettings(undefined);
  let meshConfig: KubeObject | undefined;
  const pods = createPodCache();
  const issuer = await openAuthority(client, options, osmNamespace);
  const gateway = createGatewayCertificate({ client, issuer, meshName, osmNamespace, log });
  const planner = createCorePlanner();
  const writer = createStatusWriter(client, log);
  const dataPlane = await createDataPlane({
    issuer,
    trustDomain,
    osmNamespace,
    planner,
    podByUuid: (uuid) => pods.byUuid(uuid),
    maxConnections: () => settings.maxConnections,
    certificateSeconds: () => settings.certificateSeconds,
    writer,
    log,
    metrics,
  });
  const debug = createDebugServer(
    ports.debug,
    debugEndpoints({
      proxies: () => dataPlane.proxies(),
      given: (connectionId) => dataPlane.given(connectionId),
      answers: (connectionId) => dataPlane.answers(connectionId),
      meshConfig: () => meshConfig,
      namespaces: () =>
        [...ingest.objects().namespaces.values()]
          .filter(({ metadata }) => metadata.labels?.[LABEL.monitoredBy] === meshName)
          .map(({ metadata }) => metadata.name),
    }),
    log,
  );

  missing = 'the watches are not synced yet; are the CRDs of the mesh installed?';
  let synced = false;
  const update = (): void => {
    metrics.eventsQueued.set(0);
    const objects = ingest.objects();
    let members = 0;
    for (const { metadata } of objects.namespaces.values()) {
      if (metadata.labels?.[LABEL.monitoredBy] === meshName) members++;
    }
    metrics.namespaces.set(members);
    planner.update(objects);
    dataPlane.refresh();
    faultReporter.report(objects, planner.faults());
  };
  const faultReporter = createFaultReporter({ writer, log, metrics });
  const coalescer = createCoalescer({ quietMs: QUIET_MS, capMs: CAP_MS, run: () => synced && update() });
  const ownBootstrap = createBootstrapOwner(client, log);
  const ingest = startIngest({
    client,
    meshName,
    osmNamespace,
    trustDomain,
    meshConfigName: options.osmConfigName,
    pods,
    metrics,
    changed() {
      metrics.eventsQueued.inc();
      coalescer.signal();
    },
    podSeen(pod) {
      ownBootstrap(pod);
      const uuid = pod.metadata.labels?.[LABEL.proxyUuid];
      if (uuid !== undefined) dataPlane.podSeen(uuid);
    },
    meshConfigChanged(config) {
      meshConfig = config;
      settings = readControlSettings(config);
      if (config === undefined) log.warn({ error_code: 'E4152' }, 'MeshConfig does not exist; every feature is off');
      log.setLevel(settings.logLevel ?? options.verbosity);
      for (const [flag, on] of Object.entries(settings.featureFlags)) {
        metrics.featureFlags.set({ feature_flag: flag }, on ? 1 : 0);
      }
      debug.follow(settings.debugServer);
      gateway.follow(settings.ingressGateway);
    },
  });
  await ingest.synced;
  synced = true;
  // The first state is complete before the first proxy may ask: no proxy ever sees half a mesh.
  update();
  const [adsPort, validator] = await Promise.all([
    dataPlane.listen(ports.ads),
    startValidator({
      client,
      issuer,
      webhookName: options.validatorWebhookConfig,
      meshName,
      osmNamespace,
      osmVersion: options.osmVersion,
      validateTrafficTarget: options.validateTrafficTarget,
      enableReconciler: options.enableReconciler,
      port: ports.validator,
      log,
      metrics,
    }),
  ]);
  missing = undefined;
  log.info({ port: adsPort }, 'proxies are served');

  return {
    adsPort,
    healthPort: admin.port,
    validatorPort: validator.port,
    debugPort: () => debug.port,
    async close() {
      missing = 'stopping';
      coalescer.stop();
      ingest.stop();
      gateway.close();
      faultReporter.close();
      await writer.close();
      // Streams end first, so that proxies reconnect to another replica; they keep what they have meanwhile.
      await dataPlane.close();
      await Promise.all([validator.close(), debug.close(), admin.close()]);
    },
  };
}

/** `controller`: runs until SIGTERM. */
export async function controller(options: ControllerOptions): Promise<void> {
  const log = createLogger('osm-controller', options.verbosity);
  const client = connectToCluster();
  const place = { client, namespace: options.osmNamespace, pod: process.env.CONTROLLER_POD_NAME };
  await runComponent(log, place, () => startController(options, client, log));
}
