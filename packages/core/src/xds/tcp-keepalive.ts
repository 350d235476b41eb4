import type { MessageJson } from '@osm/envoy';

/** Finds peers that are gone without a word within two minutes, and keeps idle connections in the tables of NATs. */
export const TCP_KEEPALIVE: MessageJson<'envoy.config.core.v3.TcpKeepalive'> = Object.freeze({
  keepaliveTime: 60,
  keepaliveInterval: 10,
  keepaliveProbes: 5,
});
