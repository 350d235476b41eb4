import type { JsonTypes } from '../gen/json-types.js';

/** Full name of a generated message, such as `envoy.config.listener.v3.Listener`. */
export type MessageName = keyof JsonTypes;

/**
 * Canonical protobuf JSON of a message (protobuf.dev, "ProtoJSON format"): camelCase names, enums by name, 64-bit
 * integers and durations as strings. Read-only.
 */
export type MessageJson<Name extends MessageName> = JsonTypes[Name];

export type BootstrapJson = MessageJson<'envoy.config.bootstrap.v3.Bootstrap'>;
export type ListenerJson = MessageJson<'envoy.config.listener.v3.Listener'>;
export type FilterChainJson = MessageJson<'envoy.config.listener.v3.FilterChain'>;
export type FilterChainMatchJson = MessageJson<'envoy.config.listener.v3.FilterChainMatch'>;
export type ListenerFilterJson = MessageJson<'envoy.config.listener.v3.ListenerFilter'>;
export type NetworkFilterJson = MessageJson<'envoy.config.listener.v3.Filter'>;
export type HttpConnectionManagerJson =
  MessageJson<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
export type HttpFilterJson = MessageJson<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
export type TcpProxyJson = MessageJson<'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'>;
export type RouteConfigurationJson = MessageJson<'envoy.config.route.v3.RouteConfiguration'>;
export type VirtualHostJson = MessageJson<'envoy.config.route.v3.VirtualHost'>;
export type RouteJson = MessageJson<'envoy.config.route.v3.Route'>;
export type RouteMatchJson = MessageJson<'envoy.config.route.v3.RouteMatch'>;
export type RouteActionJson = MessageJson<'envoy.config.route.v3.RouteAction'>;
export type WeightedClusterJson = MessageJson<'envoy.config.route.v3.WeightedCluster'>;
export type HeaderMatcherJson = MessageJson<'envoy.config.route.v3.HeaderMatcher'>;
export type QueryParameterMatcherJson = MessageJson<'envoy.config.route.v3.QueryParameterMatcher'>;
export type RetryPolicyJson = MessageJson<'envoy.config.route.v3.RetryPolicy'>;
export type RateLimitJson = MessageJson<'envoy.config.route.v3.RateLimit'>;
export type ClusterJson = MessageJson<'envoy.config.cluster.v3.Cluster'>;
export type CircuitBreakersJson = MessageJson<'envoy.config.cluster.v3.CircuitBreakers'>;
export type OutlierDetectionJson = MessageJson<'envoy.config.cluster.v3.OutlierDetection'>;
export type HttpProtocolOptionsJson = MessageJson<'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'>;
export type ClusterLoadAssignmentJson = MessageJson<'envoy.config.endpoint.v3.ClusterLoadAssignment'>;
export type LocalityLbEndpointsJson = MessageJson<'envoy.config.endpoint.v3.LocalityLbEndpoints'>;
export type LbEndpointJson = MessageJson<'envoy.config.endpoint.v3.LbEndpoint'>;
export type SecretJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.Secret'>;
export type SdsSecretConfigJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'>;
export type CommonTlsContextJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'>;
export type DownstreamTlsContextJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'>;
export type UpstreamTlsContextJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'>;
export type AccessLogJson = MessageJson<'envoy.config.accesslog.v3.AccessLog'>;
export type AccessLogFilterJson = MessageJson<'envoy.config.accesslog.v3.AccessLogFilter'>;
export type AddressJson = MessageJson<'envoy.config.core.v3.Address'>;
export type CidrRangeJson = MessageJson<'envoy.config.core.v3.CidrRange'>;
export type ConfigSourceJson = MessageJson<'envoy.config.core.v3.ConfigSource'>;
export type DataSourceJson = MessageJson<'envoy.config.core.v3.DataSource'>;
export type GrpcServiceJson = MessageJson<'envoy.config.core.v3.GrpcService'>;
export type HeaderValueOptionJson = MessageJson<'envoy.config.core.v3.HeaderValueOption'>;
export type HealthCheckJson = MessageJson<'envoy.config.core.v3.HealthCheck'>;
export type LocalityJson = MessageJson<'envoy.config.core.v3.Locality'>;
export type MetadataJson = MessageJson<'envoy.config.core.v3.Metadata'>;
export type SubstitutionFormatStringJson = MessageJson<'envoy.config.core.v3.SubstitutionFormatString'>;
export type TransportSocketJson = MessageJson<'envoy.config.core.v3.TransportSocket'>;
export type TypedExtensionConfigJson = MessageJson<'envoy.config.core.v3.TypedExtensionConfig'>;
export type RbacJson = MessageJson<'envoy.config.rbac.v3.RBAC'>;
export type RbacPolicyJson = MessageJson<'envoy.config.rbac.v3.Policy'>;
export type RbacPermissionJson = MessageJson<'envoy.config.rbac.v3.Permission'>;
export type RbacPrincipalJson = MessageJson<'envoy.config.rbac.v3.Principal'>;
export type PathMatcherJson = MessageJson<'envoy.type.matcher.v3.PathMatcher'>;
export type RegexMatcherJson = MessageJson<'envoy.type.matcher.v3.RegexMatcher'>;
export type StringMatcherJson = MessageJson<'envoy.type.matcher.v3.StringMatcher'>;
export type FractionalPercentJson = MessageJson<'envoy.type.v3.FractionalPercent'>;
export type TokenBucketJson = MessageJson<'envoy.type.v3.TokenBucket'>;
export type GenericMatcherJson = MessageJson<'xds.type.matcher.v3.Matcher'>;
export type ConfigDumpJson = MessageJson<'envoy.admin.v3.ConfigDump'>;
export type ClustersJson = MessageJson<'envoy.admin.v3.Clusters'>;
export type ServerInfoJson = MessageJson<'envoy.admin.v3.ServerInfo'>;
