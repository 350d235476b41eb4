import type {
  EgressPort,
  GlobalRateLimit,
  Identity,
  InboundService,
  IngressService,
  OutboundService,
  ServiceRef,
} from '../plan/types.ts';

/**
 * Names of Envoy resources, chains and statistics. Those of Open Service Mesh 1.2 are kept, as dashboards and habits
 * know them, save that every service has route configurations of its own.
 */

/** Names that a proxy has once. */
export const NAME = Object.freeze({
  inboundListener: 'inbound-listener',
  outboundListener: 'outbound-listener',
  metricsListener: 'inbound-prometheus-listener',
  passthroughChain: 'outbound-egress-filter-chain',
  refusedChain: 'mesh-refused',
  loopChain: 'outbound-loop-filter-chain',
  passthroughCluster: 'passthrough-outbound',
  metricsCluster: 'envoy-metrics-cluster',
  tracingCluster: 'envoy-tracing-cluster',
  authorizationCluster: 'envoy-ext-authz-cluster',
  /** Destinations of egress policies whose names have wildcards, looked up as they are asked for. */
  forwardProxyCluster: 'egress-dynamic-forward-proxy',
} as const);

/** Ports of the proxy that traffic is redirected to, and of its metrics and administration. */
export const PROXY_PORT = Object.freeze({ outbound: 15001, inbound: 15003, metrics: 15010, admin: 15000 } as const);

/** The application protocol (ALPN) by which proxies of the mesh know each other. */
export const MESH_ALPN = 'osm';

const serviceKey = (service: ServiceRef): string => `${service.namespace}/${service.name}`;

/** `<service>.<namespace>.svc.cluster.local`. */
export const fullName = (service: ServiceRef): string => `${service.name}.${service.namespace}.svc.cluster.local`;

export const inboundChainName = (inbound: InboundService): string =>
  `inbound_${serviceKey(inbound.service)}_${inbound.targetPort}_${inbound.protocol}`;

export const ingressChainName = (ingress: IngressService): string =>
  `ingress_${serviceKey(ingress.service)}_${ingress.targetPort}_${ingress.tls === undefined ? 'http' : 'https'}`;

export const plaintextChainName = (inbound: InboundService): string => `${inboundChainName(inbound)}_plaintext`;

export const outboundChainName = (outbound: OutboundService): string =>
  `outbound_${serviceKey(outbound.service)}_${outbound.port}_${outbound.protocol}`;

export const egressChainName = (egress: Pick<EgressPort, 'port' | 'protocol'>): string =>
  `egress-${egress.protocol}.${egress.port}`;

export const inboundRoutesName = (inbound: Pick<InboundService, 'service' | 'targetPort'>): string =>
  `rds-inbound.${serviceKey(inbound.service)}.${inbound.targetPort}`;

export const plaintextRoutesName = (inbound: Pick<InboundService, 'service' | 'targetPort'>): string =>
  `rds-inbound-plaintext.${serviceKey(inbound.service)}.${inbound.targetPort}`;

export const ingressRoutesName = (ingress: IngressService): string =>
  `rds-ingress.${serviceKey(ingress.service)}.${ingress.targetPort}.${ingress.tls === undefined ? 'http' : 'https'}`;

export const outboundRoutesName = (outbound: OutboundService): string =>
  `rds-outbound.${serviceKey(outbound.service)}.${outbound.port}`;

export const egressRoutesName = (port: number): string => `rds-egress.${port}`;

/** The application in the proxy's own pod. */
export const localClusterName = (service: ServiceRef, targetPort: number): string =>
  `${serviceKey(service)}|${targetPort}|local`;

/** A destination outside the mesh, looked up by name. */
export const egressHostCluster = (host: string, port: number, tls: boolean): string =>
  `${host}:${port}${tls ? '|tls' : ''}`;

/** Destinations outside the mesh as the client addressed them. */
export const egressPortCluster = (port: number): string => `${port}`;

/**
 * SDS: the certificate that a workload shows to servers, whoever it is. Everything that refers to it is the same for all
 * proxies; each stream resolves it to the certificate of its own identity.
 */
export const CLIENT_CERT_NAME = 'service-cert';

/** SDS: the certificate that a workload shows to its clients. */
export const serviceCertName = (identity: Identity): string =>
  `service-cert:${identity.namespace}/${identity.serviceAccount}`;

/** A service that counts for global rate limits. */
export const rateLimitClusterName = ({ host, port }: GlobalRateLimit): string => `${host}|${port}`;

/** SDS: what verifies clients of the workload. */
export const inboundRootName = (identity: Identity): string =>
  `root-cert-for-mtls-inbound:${identity.namespace}/${identity.serviceAccount}`;

/** SDS: what verifies servers of a service. */
export const outboundRootName = (service: ServiceRef): string => `root-cert-for-mtls-outbound:${serviceKey(service)}`;

/** SPIFFE ID of a workload, in the path order that Open Service Mesh used. */
export const spiffeId = (identity: Identity, trustDomain: string): string =>
  `spiffe://${trustDomain}/${identity.serviceAccount}/${identity.namespace}`;
