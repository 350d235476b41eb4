import { BOOTSTRAP, CONTAINER, ENVOY_UID, PORT } from '../surface.ts';
import type { Container, Probe } from './pod.ts';
import type { ProbeListener } from './probes.ts';
import type { SidecarSettings } from './settings.ts';

/** Seconds that Envoy keeps connections of a replaced listener or filter chain before it closes them. */
const LISTENER_DRAIN_SECONDS = 30;
/** Worker threads of a sidecar. Envoy would take one for each core of the node, which multiplies memory for nothing. */
export const DEFAULT_CONCURRENCY = 2;
/** In the classic mode Envoy must outlive the application's own shutdown, as both get SIGTERM together. */
const CLASSIC_EXTRA_DRAIN_SECONDS = 3;

const LOCKED_DOWN = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

const readyProbe = (periodSeconds: number, failureThreshold: number): Probe => ({
  httpGet: { path: '/ready', port: PORT.proxyReady },
  periodSeconds,
  timeoutSeconds: 1,
  failureThreshold,
});

/** The init container that installs the redirection rules; `rules` is the iptables-restore document. */
export function initContainer(settings: SidecarSettings, image: string, pullPolicy: string, rules: string): Container {
  return {
    name: CONTAINER.init,
    image,
    imagePullPolicy: pullPolicy,
    securityContext: {
      privileged: settings.enablePrivilegedInitContainer,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'] },
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
    },
    command: ['/bin/sh'],
    args: ['-c', `iptables-restore --noflush <<EOF\n${rules}EOF\n`],
    env: [{ name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }],
  };
}

/** The container that turns TCP probes into HTTP answers; it dials the application as a neighbour inside the pod. */
export function healthcheckContainer(
  settings: SidecarSettings,
  image: string,
  pullPolicy: string,
  native: boolean,
): Container {
  // An application that listens on the pod address only is not found on loopback.
  const podIP = settings.localProxyMode === 'PodIP';
  return {
    name: CONTAINER.healthcheck,
    image,
    imagePullPolicy: pullPolicy,
    ...(native ? { restartPolicy: 'Always' } : {}),
    args: ['healthcheck', '--verbosity', settings.osmLogLevel, ...(podIP ? ['--target', '$(POD_IP)'] : [])],
    ...(podIP
      ? { env: [{ name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }] }
      : {}),
    ports: [{ name: 'healthcheck', containerPort: PORT.healthcheck }],
    securityContext: { ...LOCKED_DOWN, runAsUser: 1000 },
  };
}

/** What the Envoy container depends on. */
export interface EnvoyContainerInput {
  readonly settings: SidecarSettings;
  readonly image: string;
  readonly pullPolicy: string;
  readonly serviceAccount: string;
  readonly namespace: string;
  readonly concurrency: number;
  readonly probes: readonly ProbeListener[];
  /** Run as a restartable init container, started before the application and stopped after it. */
  readonly native: boolean;
  /** Seconds of the application's drain, to be outlived in classic mode; undefined where `sleep` is not supported. */
  readonly drainSeconds: number | undefined;
}

/** The sidecar proxy. */
export function envoyContainer(input: EnvoyContainerInput): Container {
  const { settings, native } = input;
  const probePorts = input.probes.map((probe) => ({
    name: probe.port < PORT.rawProbeFirst ? `${probe.kind}-port` : `probe-${probe.port}`,
    containerPort: probe.port,
  }));
  const field = (name: string, fieldPath: string): object => ({
    name,
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
  });
  return {
    name: CONTAINER.envoy,
    image: input.image,
    imagePullPolicy: input.pullPolicy,
    ...(native ? { restartPolicy: 'Always' } : {}),
    command: ['envoy'],
    args: [
      '--log-level',
      settings.logLevel,
      '--config-path',
      `${BOOTSTRAP.mountPath}/bootstrap.yaml`,
      '--service-cluster',
      `${input.serviceAccount}.${input.namespace}`,
      '--concurrency',
      String(input.concurrency),
      '--drain-time-s',
      String(LISTENER_DRAIN_SECONDS),
      '--drain-strategy',
      'immediate',
      '--disable-hot-restart',
    ],
    ports: [
      { name: 'proxy-admin', containerPort: PORT.proxyAdmin },
      { name: 'proxy-inbound', containerPort: PORT.proxyInbound },
      { name: 'proxy-metrics', containerPort: PORT.proxyMetrics },
      { name: 'proxy-ready', containerPort: PORT.proxyReady },
      ...probePorts,
    ],
    env: [
      field('POD_UID', 'metadata.uid'),
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_IP', 'status.podIP'),
      field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    ],
    volumeMounts: [{ name: BOOTSTRAP.volume, mountPath: BOOTSTRAP.mountPath, readOnly: true }],
    ...(Object.keys(settings.resources).length === 0 ? {} : { resources: settings.resources }),
    securityContext: { ...LOCKED_DOWN, runAsUser: ENVOY_UID },
    // The kubelet starts the next container only after the startup probe holds. Envoy answers once it has taken its
    // first configuration, so a pod made while the controller is away waits here and goes on by itself.
    ...(native ? { startupProbe: readyProbe(1, 600) } : {}),
    readinessProbe: readyProbe(2, 3),
    ...(!native && input.drainSeconds !== undefined && input.drainSeconds > 0
      ? { lifecycle: { preStop: { sleep: { seconds: input.drainSeconds + CLASSIC_EXTRA_DRAIN_SECONDS } } } }
      : {}),
  };
}
