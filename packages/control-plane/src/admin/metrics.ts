import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../surface.ts';

/**
 * The control plane's own metrics, with the names that OSM's dashboards ask for (prefix `osm_`).
 * One instance per process; every part gets it handed in.
 */
export interface Metrics {
  readonly registry: Registry;
  readonly apiEvents: Counter<'type' | 'namespace'>;
  readonly namespaces: Gauge;
  readonly proxiesConnected: Gauge;
  readonly proxyReconnects: Counter;
  readonly responsesSent: Counter<'proxy_uuid' | 'identity' | 'type'>;
  readonly responseErrors: Counter<'proxy_uuid' | 'identity' | 'type'>;
  readonly configUpdateTime: Histogram<'resource_type' | 'success'>;
  readonly broadcasts: Counter;
  readonly xdsRequests: Counter<'proxy_uuid' | 'identity' | 'type'>;
  readonly connectionsRejected: Counter;
  readonly webhookResponses: Counter<'kind' | 'success'>;
  readonly certificatesIssued: Counter;
  readonly certificateIssueTime: Histogram;
  readonly errors: Counter<'err_code'>;
  readonly policyFaults: Gauge<'kind'>;
  readonly refusedResources: Gauge<'type'>;
  readonly httpResponses: Counter<'code' | 'method' | 'path'>;
  readonly httpDuration: Histogram<'code' | 'method' | 'path'>;
  readonly featureFlags: Gauge<'feature_flag'>;
  readonly eventsQueued: Gauge;
  readonly reconciliations: Counter<'kind'>;
}

/** Creates the metrics of a process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const proxy = ['proxy_uuid', 'identity', 'type'] as const;
  const http = ['code', 'method', 'path'] as const;
  const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const version = new Gauge({
    name: 'osm_version_info',
    help: 'Version of this control plane; the value is always 1',
    labelNames: ['version', 'build_date', 'git_commit'],
    registers,
  });
  version.set({ version: VERSION, build_date: '', git_commit: '' }, 1);
  return {
    registry,
    apiEvents: new Counter({
      name: 'osm_k8s_api_event_count',
      help: 'Changes seen on the Kubernetes API',
      labelNames: ['type', 'namespace'],
      registers,
    }),
    namespaces: new Gauge({ name: 'osm_resource_namespace_count', help: 'Namespaces in the mesh', registers }),
    proxiesConnected: new Gauge({ name: 'osm_proxy_connect_count', help: 'Proxies connected now', registers }),
    proxyReconnects: new Counter({ name: 'osm_proxy_reconnect_count', help: 'Proxies that came back', registers }),
    responsesSent: new Counter({
      name: 'osm_proxy_response_send_success_count',
      help: 'Configurations that a proxy acknowledged',
      labelNames: proxy,
      registers,
    }),
    responseErrors: new Counter({
      name: 'osm_proxy_response_send_error_count',
      help: 'Configurations that a proxy refused',
      labelNames: proxy,
      registers,
    }),
    configUpdateTime: new Histogram({
      name: 'osm_proxy_config_update_time',
      help: 'Seconds to compute the configuration of all proxies after a change',
      labelNames: ['resource_type', 'success'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 90],
      registers,
    }),
    broadcasts: new Counter({
      name: 'osm_proxy_broadcast_event_count',
      help: 'Times that the configuration of all proxies was computed again',
      registers,
    }),
    xdsRequests: new Counter({
      name: 'osm_proxy_xds_request_count',
      help: 'Answers of proxies on the discovery stream',
      labelNames: proxy,
      registers,
    }),
    connectionsRejected: new Counter({
      name: 'osm_proxy_max_connections_rejected',
      help: 'Proxies refused because of maxDataPlaneConnections',
      registers,
    }),
    webhookResponses: new Counter({
      name: 'osm_admission_webhook_response_total',
      help: 'Admission reviews answered',
      labelNames: ['kind', 'success'],
      registers,
    }),
    certificatesIssued: new Counter({ name: 'osm_cert_issued_count', help: 'Certificates issued', registers }),
    certificateIssueTime: new Histogram({
      name: 'osm_cert_issued_time',
      help: 'Seconds to issue a certificate',
      buckets: seconds,
      registers,
    }),
    errors: new Counter({
      name: 'osm_error_err_code_count',
      help: 'Errors by catalogue code',
      labelNames: ['err_code'],
      registers,
    }),
    policyFaults: new Gauge({
      name: 'osm_policy_faults',
      help: 'Faults of policies that are there now',
      labelNames: ['kind'],
      registers,
    }),
    refusedResources: new Gauge({
      name: 'osm_proxy_refused_resources',
      help: 'Resources that proxies refused and do not have otherwise either',
      labelNames: ['type'],
      registers,
    }),
    httpResponses: new Counter({
      name: 'osm_http_response_total',
      help: 'Answers of the HTTP endpoints',
      labelNames: http,
      registers,
    }),
    httpDuration: new Histogram({
      name: 'osm_http_response_duration',
      help: 'Seconds to answer on the HTTP endpoints',
      labelNames: http,
      buckets: seconds,
      registers,
    }),
    featureFlags: new Gauge({
      name: 'osm_feature_flag_enabled',
      help: 'Feature flags of MeshConfig: 1 is on',
      labelNames: ['feature_flag'],
      registers,
    }),
    eventsQueued: new Gauge({
      name: 'osm_events_queued',
      help: 'Changes waiting to be turned into configuration',
      registers,
    }),
    reconciliations: new Counter({
      name: 'osm_reconciliation_total',
      help: 'Objects of the mesh that were restored',
      labelNames: ['kind'],
      registers,
    }),
  };
}
