import { ANNOTATION, BOOTSTRAP, CONTAINER, LABEL, PORT } from '../surface.ts';
import { checkMtls, readCidrList, readPortList, readSeconds, readSwitch } from './annotations.ts';
import { envoyContainer, healthcheckContainer, initContainer } from './containers.ts';
import { describeExclusions, type InfrastructureExclusion } from './infrastructure.ts';
import { type Container, InjectionError, type Pod } from './pod.ts';
import { type ProbeListener, rewriteProbes } from './probes.ts';
import { redirectionRules } from './redirection.ts';
import type { SidecarSettings } from './settings.ts';

/** Container images of the data plane; an empty name means that the installation gave none. */
export interface DataPlaneImages {
  readonly envoy: string;
  readonly init: string;
  readonly healthcheck: string;
}

/** Where Envoy runs: decided by the server's version, or forced. */
export type NativeSidecar = 'auto' | 'enabled' | 'disabled';

/** Everything injection depends on besides the pod. */
export interface InjectionContext {
  /** Namespace of the admission request; the pod's own field is usually empty at that time. */
  readonly namespace: string;
  /** New proxy UUID (RFC 9562 version 4). */
  readonly uuid: string;
  /** The namespace asks for Prometheus annotations on its pods. */
  readonly metrics: boolean;
  readonly settings: SidecarSettings;
  /** Used where MeshConfig names no image. */
  readonly defaultImages: DataPlaneImages;
  readonly pullPolicy: string;
  readonly infrastructure: readonly InfrastructureExclusion[];
  /** Minor version of the Kubernetes 1.x API server. */
  readonly kubernetesMinor: number;
  readonly nativeSidecar: NativeSidecar;
  readonly concurrency: number;
}

/** An injected pod, and what its bootstrap must offer for its probes. */
export interface InjectedPod {
  readonly pod: Pod;
  readonly probes: readonly ProbeListener[];
  readonly serviceAccount: string;
}

/** Restartable init containers are on by default from this minor version. */
const NATIVE_SIDECAR_MINOR = 29;
/** `lifecycle.preStop.sleep` is on by default from this minor version. */
const SLEEP_MINOR = 30;
const DEFAULT_DRAIN_SECONDS = 2;
/** A pod without the field gets 30 s from the API server. */
const DEFAULT_GRACE_SECONDS = 30;

const MESH_CONTAINERS: ReadonlySet<string> = new Set(Object.values(CONTAINER));

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

function requireImage(image: string, field: string): string {
  if (image !== '') return image;
  throw new InjectionError('E6108', `no image for the data plane: set MeshConfig ${field} or the chart's image values`);
}

/** The pod as messages name it; a pod made by a controller has only the beginning of its name yet. */
function podSubject(pod: Pod, namespace: string): string {
  return `Pod ${namespace}/${pod.metadata.name ?? `${pod.metadata.generateName ?? ''}*`}`;
}

function runsNative(pod: Pod, context: InjectionContext, subject: string): boolean {
  const wish = readSwitch(pod.metadata.annotations, ANNOTATION.nativeSidecar, subject, 'E6108');
  const supported = context.kubernetesMinor >= NATIVE_SIDECAR_MINOR;
  if (wish === true && !supported) {
    throw new InjectionError(
      'E6108',
      `${subject}: annotation ${ANNOTATION.nativeSidecar}: the API server is 1.${context.kubernetesMinor}, and native sidecars need 1.${NATIVE_SIDECAR_MINOR}`,
    );
  }
  if (wish !== undefined) return wish;
  return context.nativeSidecar === 'auto' ? supported : context.nativeSidecar === 'enabled';
}

/** Drain seconds that fit the pod's grace period, leaving the application at least one second; undefined: no preStop. */
function drainSeconds(pod: Pod, context: InjectionContext, subject: string): number | undefined {
  const wish = readSeconds(pod.metadata.annotations, ANNOTATION.drainSeconds, subject, 3600) ?? DEFAULT_DRAIN_SECONDS;
  if (context.kubernetesMinor < SLEEP_MINOR) return undefined;
  const grace = pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const fitting = Math.min(wish, grace - 1);
  return fitting > 0 ? fitting : undefined;
}

/** A pod that ends must leave every load balancer before its application stops: endpoints first, then SIGTERM. */
function withDrain(container: Container, seconds: number | undefined): Container {
  if (seconds === undefined || container.lifecycle?.preStop !== undefined) return container;
  return { ...container, lifecycle: { ...container.lifecycle, preStop: { sleep: { seconds } } } };
}

/**
 * Puts the mesh into a pod: identity label, bootstrap volume, redirection init container, sidecar, and probes that
 * reach the application beside mTLS. Pure; the bootstrap Secret named in the volume is the caller's to create.
 * Throws InjectionError when an annotation or a field of the pod cannot be honoured.
 */
export function injectPod(pod: Pod, context: InjectionContext): InjectedPod {
  const subject = podSubject(pod, context.namespace);
  const { settings } = context;
  const annotations = pod.metadata.annotations;
  if (pod.spec.nodeSelector?.['kubernetes.io/os'] === 'windows') {
    throw new InjectionError(
      'E6108',
      `${subject}: Windows pods cannot be meshed; annotate the pod with ${ANNOTATION.sidecarInjection}: disabled`,
    );
  }
  const clash = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => MESH_CONTAINERS.has(c.name));
  if (clash !== undefined) {
    throw new InjectionError(
      'E6108',
      `${subject}: container name ${clash.name} is reserved for the mesh; rename the container`,
    );
  }
  checkMtls(annotations, subject);
  const native = runsNative(pod, context, subject);
  const drain = drainSeconds(pod, context, subject);
  const initContainers = pod.spec.initContainers ?? [];
  const all = [...initContainers, ...pod.spec.containers];
  const probed = rewriteProbes(all, MESH_CONTAINERS);
  const rewrittenInit = probed.containers.slice(0, initContainers.length);
  const applications = probed.containers.slice(initContainers.length).map((c) => withDrain(c, drain));

  const rules = redirectionRules({
    inboundPortExclusions: unique([
      ...settings.inboundPortExclusionList,
      ...readPortList(annotations, ANNOTATION.inboundPortExclusions, subject),
    ]),
    outboundPortExclusions: unique([
      ...settings.outboundPortExclusionList,
      ...readPortList(annotations, ANNOTATION.outboundPortExclusions, subject),
    ]),
    outboundIPRangeExclusions: unique([
      ...readCidrList(annotations, ANNOTATION.outboundIPRangeExclusions, subject),
      ...settings.outboundIPRangeExclusionList,
    ]),
    outboundIPRangeInclusions: unique([
      ...readCidrList(annotations, ANNOTATION.outboundIPRangeInclusions, subject),
      ...settings.outboundIPRangeInclusionList,
    ]),
    networkInterfaceExclusions: unique(settings.networkInterfaceExclusionList),
    infrastructure: context.infrastructure,
    probePorts: probed.listeners.map((l) => l.port).filter((port) => port >= PORT.rawProbeFirst),
    localProxyMode: settings.localProxyMode,
  });

  const serviceAccount = pod.spec.serviceAccountName || 'default';
  const init = initContainer(
    settings,
    requireImage(settings.initContainerImage || context.defaultImages.init, 'spec.sidecar.initContainerImage'),
    context.pullPolicy,
    rules,
  );
  const envoy = envoyContainer({
    settings,
    image: requireImage(settings.envoyImage || context.defaultImages.envoy, 'spec.sidecar.envoyImage'),
    pullPolicy: context.pullPolicy,
    serviceAccount,
    namespace: context.namespace,
    concurrency: context.concurrency,
    probes: probed.listeners,
    native,
    drainSeconds: drain,
  });
  const healthcheck = probed.needsHealthcheck
    ? [
        healthcheckContainer(
          settings,
          requireImage(context.defaultImages.healthcheck, 'image.name.osmHealthcheck'),
          context.pullPolicy,
          native,
        ),
      ]
    : [];

  const injected: Pod = {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...pod.metadata.labels, [LABEL.proxyUuid]: context.uuid },
      annotations: {
        ...annotations,
        [ANNOTATION.infrastructureExclusions]: describeExclusions(context.infrastructure),
        ...(context.metrics
          ? {
              [ANNOTATION.prometheusScrape]: 'true',
              [ANNOTATION.prometheusPort]: String(PORT.proxyMetrics),
              [ANNOTATION.prometheusPath]: '/stats/prometheus',
            }
          : {}),
      },
    },
    spec: {
      ...pod.spec,
      volumes: [
        ...(pod.spec.volumes ?? []),
        { name: BOOTSTRAP.volume, secret: { secretName: `${BOOTSTRAP.secretPrefix}${context.uuid}` } },
      ],
      // Native: rules and proxy come first, so that the pod's own init containers are meshed as well.
      // Classic: the rules come last, as no proxy answers before the plain containers start.
      initContainers: native ? [init, envoy, ...healthcheck, ...rewrittenInit] : [...rewrittenInit, init],
      containers: native ? applications : [...applications, ...healthcheck, envoy],
    },
  };
  return { pod: injected, probes: probed.listeners, serviceAccount };
}

/** Name of the bootstrap Secret of a pod that was injected before (a copied spec); undefined for a fresh pod. */
export function formerBootstrapSecret(pod: Pod): string | undefined {
  return pod.spec.volumes?.find((volume) => volume.name === BOOTSTRAP.volume)?.secret?.secretName;
}

/** Gives a pod copied from an injected one a proxy identity of its own; everything else in it is already in place. */
export function reinjectPod(pod: Pod, uuid: string): Pod {
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [LABEL.proxyUuid]: uuid } },
    spec: {
      ...pod.spec,
      volumes: (pod.spec.volumes ?? []).map((volume) =>
        volume.name === BOOTSTRAP.volume
          ? { ...volume, secret: { ...volume.secret, secretName: `${BOOTSTRAP.secretPrefix}${uuid}` } }
          : volume,
      ),
    },
  };
}
