import { type AccessLogJson, any } from '@osm/envoy';

/** The fields of Open Service Mesh's access log. The path is logged without its query, which may hold secrets. */
const FORMAT = Object.freeze({
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%PATH(NQ:ORIG_OR_PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  time_to_first_byte: '%RESPONSE_DURATION%',
  upstream_cluster: '%UPSTREAM_CLUSTER%',
  response_flags: '%RESPONSE_FLAGS%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
});

type AccessLog = readonly AccessLogJson[];

const stdout = (jsonFormat: Readonly<Record<string, string>>): AccessLogJson => ({
  name: 'envoy.access_loggers.stdout',
  typedConfig: any('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', { logFormat: { jsonFormat } }),
});

/** A line of JSON on standard output for each request, or for each connection that is no HTTP. */
export const ACCESS_LOG: AccessLog = Object.freeze([stdout(FORMAT)]);

/** Begins the names of what an audit counts, and of what it tells access logs (RBAC filters, `shadow_rules_stat_prefix`). */
export const AUDIT_PREFIX = 'audit.';

/**
 * The log of what comes from the mesh: it tells the caller, and what rules that are audited make of the call: `allowed` or
 * `denied`, and the rule. The same whether anything is audited, so that an audit closes no connection.
 */
const fromMesh = (filter: 'envoy.filters.http.rbac' | 'envoy.filters.network.rbac'): AccessLog =>
  Object.freeze([
    stdout({
      ...FORMAT,
      connection_security: 'mtls',
      source_principal: '%DOWNSTREAM_PEER_URI_SAN%',
      audit_result: `%DYNAMIC_METADATA(${filter}:${AUDIT_PREFIX}shadow_engine_result)%`,
      audit_rule: `%DYNAMIC_METADATA(${filter}:${AUDIT_PREFIX}shadow_effective_policy_id)%`,
    }),
  ]);

/** The log of requests from the mesh. */
export const MESH_HTTP_LOG: AccessLog = fromMesh('envoy.filters.http.rbac');

/** The log of connections from the mesh that are no HTTP. */
export const MESH_TCP_LOG: AccessLog = fromMesh('envoy.filters.network.rbac');

/** The log of what comes in plaintext, and is let in while clients get sidecars. */
export const PLAINTEXT_LOG: AccessLog = Object.freeze([
  stdout({ ...FORMAT, connection_security: 'plaintext', source_address: '%DOWNSTREAM_REMOTE_ADDRESS%' }),
]);

/** A line for each connection that no filter chain takes, which a denial is; others are logged by their chains. */
export const REFUSAL_LOG: AccessLog = Object.freeze([
  { ...stdout(FORMAT), filter: { responseFlagFilter: { flags: ['NR'] } } },
]);
