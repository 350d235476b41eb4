import { BOOTSTRAP, PORT } from '../surface.ts';
import { probeClusters, probeListeners, readyListener } from './probe-listeners.ts';
import type { ProbeListener } from './probes.ts';
import type { SidecarSettings } from './settings.ts';

/** What one proxy's bootstrap depends on. */
export interface BootstrapInput {
  /** Subject CN of its client certificate: `<uuid>.sidecar.<sa>.<ns>.<trust domain>`. */
  readonly nodeId: string;
  readonly nodeCluster: string;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly trustDomain: string;
  readonly settings: Pick<
    SidecarSettings,
    'tlsMinProtocolVersion' | 'tlsMaxProtocolVersion' | 'cipherSuites' | 'ecdhCurves'
  >;
  readonly probes: readonly ProbeListener[];
}

/** Connections that a sidecar accepts before it refuses more rather than run out of file descriptors. */
const MAX_DOWNSTREAM_CONNECTIONS = 30_000;

const file = (name: string): string => `${BOOTSTRAP.mountPath}/${name}`;
const watched = { path: BOOTSTRAP.mountPath };

/** DNS name in the certificate of every ADS server of a trust domain. */
export function adsServerName(trustDomain: string): string {
  return `ads.${trustDomain}`;
}

/** The control plane takes nothing below TLS 1.2, so a lower maximum would only cut the proxy off. */
function controlPlaneTls(settings: BootstrapInput['settings']): object {
  const old = new Set(['TLSv1_0', 'TLSv1_1']);
  const min = settings.tlsMinProtocolVersion;
  const max = settings.tlsMaxProtocolVersion;
  return {
    tls_minimum_protocol_version: old.has(min) || min === 'TLS_AUTO' ? 'TLSv1_2' : min,
    tls_maximum_protocol_version: old.has(max) || max === 'TLS_AUTO' ? 'TLSv1_3' : max,
    ...(settings.cipherSuites.length === 0 ? {} : { cipher_suites: settings.cipherSuites }),
    ...(settings.ecdhCurves.length === 0 ? {} : { ecdh_curves: settings.ecdhCurves }),
  };
}

/** A secret that Envoy reads from a file of the mounted Secret and reads again when the kubelet replaces it. */
const fileSecret = (name: string, path: string): object => ({
  name,
  sds_config: { resource_api_version: 'V3', path_config_source: { path: file(path), watched_directory: watched } },
});

function controlPlaneCluster(input: BootstrapInput): object {
  const address = `osm-controller.${input.osmNamespace}.svc.cluster.local`;
  return {
    name: 'osm-controller',
    connect_timeout: '2s',
    cluster_type: {
      name: 'envoy.clusters.dns',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster',
        dns_lookup_family: 'V4_PREFERRED',
        // A proxy that starts before the controller's Service exists must not wait long for the next try.
        dns_failure_refresh_rate: { base_interval: '0.5s', max_interval: '5s' },
      },
    },
    load_assignment: {
      cluster_name: 'osm-controller',
      endpoints: [
        {
          lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: PORT.ads } } } }],
        },
      ],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: {
          // Pings find a controller that is gone without a word; TCP alone would take minutes.
          http2_protocol_options: { connection_keepalive: { interval: '20s', timeout: '5s' } },
        },
      },
    },
    upstream_connection_options: {
      tcp_keepalive: { keepalive_probes: 5, keepalive_time: 60, keepalive_interval: 5 },
    },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        sni: adsServerName(input.trustDomain),
        common_tls_context: {
          alpn_protocols: ['h2'],
          tls_params: controlPlaneTls(input.settings),
          tls_certificate_sds_secret_configs: [fileSecret('tls_sds', 'tls_certificate_sds_secret.yaml')],
          validation_context_sds_secret_config: fileSecret(
            'validation_context_sds',
            'validation_context_sds_secret.yaml',
          ),
        },
      },
    },
  };
}

/**
 * Envoy's static configuration (`envoy.config.bootstrap.v3.Bootstrap`): who the proxy is, how it reaches the control
 * plane, and the few listeners that must work without it being asked. Clusters and listeners come by delta ADS; the
 * proxy waits for them without limit, since traffic without its policies would be worse than no traffic.
 */
export function envoyBootstrap(input: BootstrapInput): object {
  const ads = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };
  return {
    node: { id: input.nodeId, cluster: input.nodeCluster, metadata: { mesh: input.meshName } },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: PORT.proxyAdmin } } },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: 'osm-controller',
              retry_policy: { retry_back_off: { base_interval: '0.25s', max_interval: '5s' } },
            },
          },
        ],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      listeners: [readyListener(), ...probeListeners(input.probes)],
      clusters: [controlPlaneCluster(input), ...probeClusters(input.probes)],
    },
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            max_active_downstream_connections: MAX_DOWNSTREAM_CONNECTIONS,
          },
        },
      ],
    },
    stats_config: {
      use_all_default_tags: true,
      stats_tags: [{ tag_name: 'osm_mesh', fixed_value: input.meshName }],
    },
  };
}

/** Key material of a proxy towards the control plane, PEM. */
export interface BootstrapCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly trustPem: string;
}

const SECRET_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/** File contents (by key) of the bootstrap Secret. JSON is YAML, which Envoy and people read alike. */
export function bootstrapFiles(
  bootstrap: object,
  certificate: BootstrapCertificate,
  trustDomain: string,
): Readonly<Record<string, string>> {
  const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const san = adsServerName(trustDomain);
  return {
    'bootstrap.yaml': json(bootstrap),
    'tls_certificate_sds_secret.yaml': json({
      resources: [
        {
          '@type': SECRET_TYPE,
          name: 'tls_sds',
          tls_certificate: {
            certificate_chain: { filename: file('sds_cert.pem') },
            private_key: { filename: file('sds_key.pem') },
            watched_directory: watched,
          },
        },
      ],
    }),
    'validation_context_sds_secret.yaml': json({
      resources: [
        {
          '@type': SECRET_TYPE,
          name: 'validation_context_sds',
          validation_context: {
            trusted_ca: { filename: file('cacert.pem') },
            watched_directory: watched,
            match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: san } }],
          },
        },
      ],
    }),
    'cacert.pem': certificate.trustPem,
    'sds_cert.pem': certificate.chainPem,
    'sds_key.pem': certificate.keyPem,
  };
}
