/**
 * Names that the mesh shares with its users: labels, annotations, object names, ports. They are the names Open
 * Service Mesh 1.2 used, so that manifests, dashboards and habits keep working; additions are marked.
 */

/** Labels that the mesh reads or writes. */
export const LABEL = Object.freeze({
  /** Namespace: value is the mesh name; the namespace takes part in that mesh. */
  monitoredBy: 'openservicemesh.io/monitored-by',
  /** Namespace: the webhooks leave it alone. */
  ignore: 'openservicemesh.io/ignore',
  /** Pod: written by the injector; finds the pod of a proxy. */
  proxyUuid: 'osm-proxy-uuid',
  /** CRDs and webhook configurations: the version whose reconciler owns them. */
  reconcile: 'openservicemesh.io/reconcile',
  appName: 'app.kubernetes.io/name',
  appInstance: 'app.kubernetes.io/instance',
  appVersion: 'app.kubernetes.io/version',
  app: 'app',
  meshName: 'meshName',
} as const);

/** Value of `app.kubernetes.io/name` on every object of the mesh. */
export const APP_NAME = 'openservicemesh.io';

/** Annotations that the mesh reads or writes. */
export const ANNOTATION = Object.freeze({
  sidecarInjection: 'openservicemesh.io/sidecar-injection',
  metrics: 'openservicemesh.io/metrics',
  outboundPortExclusions: 'openservicemesh.io/outbound-port-exclusion-list',
  inboundPortExclusions: 'openservicemesh.io/inbound-port-exclusion-list',
  outboundIPRangeExclusions: 'openservicemesh.io/outbound-ip-range-exclusion-list',
  outboundIPRangeInclusions: 'openservicemesh.io/outbound-ip-range-inclusion-list',
  prometheusScrape: 'prometheus.io/scrape',
  prometheusPort: 'prometheus.io/port',
  prometheusPath: 'prometheus.io/path',
  /** Addition: `enabled` or `disabled` overrides where Envoy runs (restartable init container or plain container). */
  nativeSidecar: 'openservicemesh.io/native-sidecar',
  /** Addition: seconds between the end of a pod being announced and its application getting SIGTERM; 0 turns it off. */
  drainSeconds: 'openservicemesh.io/drain-seconds',
  /** Addition, of pods and namespaces: `strict`, or `permissive` to take plaintext too for a time. */
  mtlsMode: 'openservicemesh.io/mtls-mode',
  /** Addition: the ports of the application to which that applies. */
  mtlsPermissivePorts: 'openservicemesh.io/mtls-permissive-ports',
  /** Addition, written by the injector: the infrastructure addresses that bypass the proxy, by provider profile. */
  infrastructureExclusions: 'openservicemesh.io/infrastructure-exclusions',
} as const);

/** TCP ports inside a meshed pod and of the control plane. */
export const PORT = Object.freeze({
  proxyAdmin: 15000,
  proxyOutbound: 15001,
  proxyInbound: 15003,
  proxyMetrics: 15010,
  ads: 15128,
  livenessProbe: 15901,
  readinessProbe: 15902,
  startupProbe: 15903,
  healthcheck: 15904,
  /** Addition: answers `/ready` of the proxy for the kubelet, and nothing else. */
  proxyReady: 15905,
  /** Addition: further probes that must be passed through as raw TCP take ports from here. */
  rawProbeFirst: 15910,
  rawProbeLast: 15989,
  injector: 9090,
  health: 9091,
  debug: 9092,
  validator: 9093,
} as const);

/** User id of the Envoy process; the redirection rules tell its traffic from the application's by it. */
export const ENVOY_UID = 1500;

/** Name of the volume, and prefix of the Secret, that carry a proxy's bootstrap. */
export const BOOTSTRAP = Object.freeze({
  volume: 'envoy-bootstrap-config-volume',
  secretPrefix: 'envoy-bootstrap-config-',
  mountPath: '/etc/envoy',
} as const);

/** Names of the containers that the injector adds. */
export const CONTAINER = Object.freeze({ envoy: 'envoy', init: 'osm-init', healthcheck: 'osm-healthcheck' } as const);

/** Name of the MeshConfig object of a control plane, unless a flag says otherwise. */
export const MESH_CONFIG_NAME = 'osm-mesh-config';

/** Release that this tree builds; also the chart's appVersion and the default image tag. */
export const VERSION = '2.0.0';
