import type { JsonTypes } from '../gen/json-types.js';

/** Full name of a generated message, such as `envoy.config.listener.v3.Listener`. */
export type MessageName = keyof JsonTypes;

/**
 * Canonical protobuf JSON of a message (protobuf.dev, "ProtoJSON format"): camelCase names, enums by name, 64-bit
 * integers and durations as strings. Read-only.
 */
export type MessageJson<Name extends MessageName> = JsonTypes[Name];

/** What a proxy starts with. */
export type BootstrapJson = MessageJson<'envoy.config.bootstrap.v3.Bootstrap'>;
/** An address and what is done with connections to it. */
export type ListenerJson = MessageJson<'envoy.config.listener.v3.Listener'>;
/** The filters of some connections of a listener. */
export type FilterChainJson = MessageJson<'envoy.config.listener.v3.FilterChain'>;
/** Which connections a filter chain is for. */
export type FilterChainMatchJson = MessageJson<'envoy.config.listener.v3.FilterChainMatch'>;
/** A filter that looks at a connection before a chain is chosen. */
export type ListenerFilterJson = MessageJson<'envoy.config.listener.v3.ListenerFilter'>;
/** A filter of a chain's bytes. */
export type NetworkFilterJson = MessageJson<'envoy.config.listener.v3.Filter'>;
/** The network filter that speaks HTTP. */
export type HttpConnectionManagerJson =
  MessageJson<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
/** A filter of HTTP requests. */
export type HttpFilterJson = MessageJson<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
/** The network filter that forwards bytes. */
export type TcpProxyJson = MessageJson<'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'>;
/** Virtual hosts; what RDS serves. */
export type RouteConfigurationJson = MessageJson<'envoy.config.route.v3.RouteConfiguration'>;
/** The routes of some host names. */
export type VirtualHostJson = MessageJson<'envoy.config.route.v3.VirtualHost'>;
/** What is done with requests that match. */
export type RouteJson = MessageJson<'envoy.config.route.v3.Route'>;
/** Which requests a route is for. */
export type RouteMatchJson = MessageJson<'envoy.config.route.v3.RouteMatch'>;
/** Forwarding a request to a cluster. */
export type RouteActionJson = MessageJson<'envoy.config.route.v3.RouteAction'>;
/** Clusters among which requests are split. */
export type WeightedClusterJson = MessageJson<'envoy.config.route.v3.WeightedCluster'>;
/** A condition on a header. */
export type HeaderMatcherJson = MessageJson<'envoy.config.route.v3.HeaderMatcher'>;
/** A condition on a query parameter. */
export type QueryParameterMatcherJson = MessageJson<'envoy.config.route.v3.QueryParameterMatcher'>;
/** When a request is tried again. */
export type RetryPolicyJson = MessageJson<'envoy.config.route.v3.RetryPolicy'>;
/** The descriptors a route sends to a rate limit service. */
export type RateLimitJson = MessageJson<'envoy.config.route.v3.RateLimit'>;
/** Upstream hosts and how they are connected to; what CDS serves. */
export type ClusterJson = MessageJson<'envoy.config.cluster.v3.Cluster'>;
/** Limits of a cluster's connections and requests. */
export type CircuitBreakersJson = MessageJson<'envoy.config.cluster.v3.CircuitBreakers'>;
/** When a failing host is left out. */
export type OutlierDetectionJson = MessageJson<'envoy.config.cluster.v3.OutlierDetection'>;
/** Which HTTP a cluster speaks. */
export type HttpProtocolOptionsJson = MessageJson<'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'>;
/** A cluster's hosts; what EDS serves. */
export type ClusterLoadAssignmentJson = MessageJson<'envoy.config.endpoint.v3.ClusterLoadAssignment'>;
/** The hosts of one locality and priority. */
export type LocalityLbEndpointsJson = MessageJson<'envoy.config.endpoint.v3.LocalityLbEndpoints'>;
/** A host and its weight. */
export type LbEndpointJson = MessageJson<'envoy.config.endpoint.v3.LbEndpoint'>;
/** Keys, certificates or roots; what SDS serves. */
export type SecretJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.Secret'>;
/** A reference to a secret. */
export type SdsSecretConfigJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'>;
/** What both ends of TLS have in common. */
export type CommonTlsContextJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'>;
/** TLS with those who connect to the proxy. */
export type DownstreamTlsContextJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'>;
/** TLS with those the proxy connects to. */
export type UpstreamTlsContextJson = MessageJson<'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'>;
/** A logger of requests or connections. */
export type AccessLogJson = MessageJson<'envoy.config.accesslog.v3.AccessLog'>;
/** Which requests or connections are logged. */
export type AccessLogFilterJson = MessageJson<'envoy.config.accesslog.v3.AccessLogFilter'>;
/** An address of a socket, a pipe or a listener inside the proxy. */
export type AddressJson = MessageJson<'envoy.config.core.v3.Address'>;
/** A range of IP addresses. */
export type CidrRangeJson = MessageJson<'envoy.config.core.v3.CidrRange'>;
/** Where configuration is fetched from. */
export type ConfigSourceJson = MessageJson<'envoy.config.core.v3.ConfigSource'>;
/** Data given here, in a file or in the environment. */
export type DataSourceJson = MessageJson<'envoy.config.core.v3.DataSource'>;
/** A gRPC service that the proxy calls. */
export type GrpcServiceJson = MessageJson<'envoy.config.core.v3.GrpcService'>;
/** A header to set, and what to do when it is there. */
export type HeaderValueOptionJson = MessageJson<'envoy.config.core.v3.HeaderValueOption'>;
/** How a cluster's hosts are probed. */
export type HealthCheckJson = MessageJson<'envoy.config.core.v3.HealthCheck'>;
/** Region, zone and sub-zone. */
export type LocalityJson = MessageJson<'envoy.config.core.v3.Locality'>;
/** Data by filter name. */
export type MetadataJson = MessageJson<'envoy.config.core.v3.Metadata'>;
/** The format of a log line or body. */
export type SubstitutionFormatStringJson = MessageJson<'envoy.config.core.v3.SubstitutionFormatString'>;
/** What wraps the bytes on a connection, such as TLS. */
export type TransportSocketJson = MessageJson<'envoy.config.core.v3.TransportSocket'>;
/** An extension and its configuration. */
export type TypedExtensionConfigJson = MessageJson<'envoy.config.core.v3.TypedExtensionConfig'>;
/** Who may do what. */
export type RbacJson = MessageJson<'envoy.config.rbac.v3.RBAC'>;
/** Permissions, and the principals who have them. */
export type RbacPolicyJson = MessageJson<'envoy.config.rbac.v3.Policy'>;
/** What is done. */
export type RbacPermissionJson = MessageJson<'envoy.config.rbac.v3.Permission'>;
/** Who does it. */
export type RbacPrincipalJson = MessageJson<'envoy.config.rbac.v3.Principal'>;
/** A condition on a path. */
export type PathMatcherJson = MessageJson<'envoy.type.matcher.v3.PathMatcher'>;
/** A regular expression (RE2). */
export type RegexMatcherJson = MessageJson<'envoy.type.matcher.v3.RegexMatcher'>;
/** A condition on a string. */
export type StringMatcherJson = MessageJson<'envoy.type.matcher.v3.StringMatcher'>;
/** A share in hundredths, ten thousandths or millionths. */
export type FractionalPercentJson = MessageJson<'envoy.type.v3.FractionalPercent'>;
/** The size and filling of a rate limit's bucket. */
export type TokenBucketJson = MessageJson<'envoy.type.v3.TokenBucket'>;
/** A tree of conditions that leads to an action. */
export type GenericMatcherJson = MessageJson<'xds.type.matcher.v3.Matcher'>;
/** Answer of the admin interface to `/config_dump`. */
export type ConfigDumpJson = MessageJson<'envoy.admin.v3.ConfigDump'>;
/** Answer of the admin interface to `/clusters?format=json`. */
export type ClustersJson = MessageJson<'envoy.admin.v3.Clusters'>;
/** Answer of the admin interface to `/server_info`. */
export type ServerInfoJson = MessageJson<'envoy.admin.v3.ServerInfo'>;
