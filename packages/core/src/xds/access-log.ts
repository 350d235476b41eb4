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

const STDOUT = any('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', { logFormat: { jsonFormat: FORMAT } });

/** A line of JSON on standard output for each request, or for each connection that is no HTTP. */
export const ACCESS_LOG: readonly AccessLogJson[] = Object.freeze([
  { name: 'envoy.access_loggers.stdout', typedConfig: STDOUT },
]);

/** A line for each connection that no filter chain takes, which a denial is; others are logged by their chains. */
export const REFUSAL_LOG: readonly AccessLogJson[] = Object.freeze([
  { name: 'envoy.access_loggers.stdout', filter: { responseFlagFilter: { flags: ['NR'] } }, typedConfig: STDOUT },
]);
