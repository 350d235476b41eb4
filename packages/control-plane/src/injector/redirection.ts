import { isIP } from 'node:net';
import { ENVOY_UID, PORT } from '../surface.ts';

/** A destination that never goes through the proxy; without `port` every port of the range. */
export interface ExcludedDestination {
  readonly cidr: string;
  readonly port?: number;
}

/** What decides which of a pod's TCP connections pass through its proxy. Lists are already merged and validated. */
export interface RedirectionSettings {
  readonly inboundPortExclusions: readonly number[];
  readonly outboundPortExclusions: readonly number[];
  readonly outboundIPRangeExclusions: readonly string[];
  readonly outboundIPRangeInclusions: readonly string[];
  readonly networkInterfaceExclusions: readonly string[];
  /** Infrastructure that must stay reachable without the proxy (API server, instance metadata, cloud DNS). */
  readonly infrastructure: readonly ExcludedDestination[];
  /** Ports of this pod's raw probe listeners beyond the fixed ones. */
  readonly probePorts: readonly number[];
  readonly localProxyMode: 'Localhost' | 'PodIP';
}

/** iptables takes at most 15 ports in one multiport match (iptables-extensions(8)). */
const PORTS_PER_RULE = 15;

const FIXED_INBOUND_PORTS = [
  PORT.proxyMetrics,
  PORT.livenessProbe,
  PORT.readinessProbe,
  PORT.startupProbe,
  PORT.healthcheck,
  PORT.proxyReady,
];

function portRules(chain: string, ports: readonly number[]): string[] {
  const distinct = [...new Set(ports)];
  const rules: string[] = [];
  for (let at = 0; at < distinct.length; at += PORTS_PER_RULE) {
    const chunk = distinct.slice(at, at + PORTS_PER_RULE).join(',');
    rules.push(`-A ${chain} -p tcp -m multiport --dports ${chunk} -j RETURN`);
  }
  return rules;
}

const isV4 = (cidr: string): boolean => isIP(cidr.split('/')[0] ?? '') === 4;

/**
 * The `iptables-restore --noflush` document that sends a pod's TCP connections through its proxy. Only IPv4 is
 * redirected: IPv6 connections bypass the proxy, so IPv6 ranges in the lists need no rule and are left out.
 * Running the document twice changes nothing: declaring a chain empties it, and a second jump meets the same verdicts.
 * `$POD_IP` in the PodIP rule is filled in by the shell that feeds the document.
 */
export function redirectionRules(settings: RedirectionSettings): string {
  const uid = `-m owner --uid-owner ${ENVOY_UID}`;
  const inbound = [
    '-A PREROUTING -p tcp -j OSM_PROXY_INBOUND',
    ...settings.networkInterfaceExclusions.map((name) => `-A OSM_PROXY_INBOUND -i ${name} -j RETURN`),
    ...portRules('OSM_PROXY_INBOUND', settings.inboundPortExclusions),
    ...portRules('OSM_PROXY_INBOUND', [...FIXED_INBOUND_PORTS, ...settings.probePorts]),
    '-A OSM_PROXY_INBOUND -p tcp -j OSM_PROXY_IN_REDIRECT',
  ];
  const included = settings.outboundIPRangeInclusions.filter(isV4);
  const outbound = [
    '-A OUTPUT -p tcp -j OSM_PROXY_OUTBOUND',
    // The pod calls itself through a Service: Envoy's upstream connection must reach Envoy's own inbound listener.
    `-A OSM_PROXY_OUTBOUND -o lo ! -d 127.0.0.1/32 ${uid} -j OSM_PROXY_IN_REDIRECT`,
    // Containers of the pod that talk to each other over loopback.
    `-A OSM_PROXY_OUTBOUND -o lo -m owner ! --uid-owner ${ENVOY_UID} -j RETURN`,
    // Envoy's own connections; redirecting them would loop.
    `-A OSM_PROXY_OUTBOUND ${uid} -j RETURN`,
    '-A OSM_PROXY_OUTBOUND -d 127.0.0.1/32 -j RETURN',
    ...settings.networkInterfaceExclusions.map((name) => `-A OSM_PROXY_OUTBOUND -o ${name} -j RETURN`),
    ...settings.infrastructure
      .filter((destination) => isV4(destination.cidr))
      .map(({ cidr, port }) =>
        port === undefined
          ? `-A OSM_PROXY_OUTBOUND -d ${cidr} -j RETURN`
          : `-A OSM_PROXY_OUTBOUND -d ${cidr} -p tcp --dport ${port} -j RETURN`,
      ),
    ...settings.outboundIPRangeExclusions.filter(isV4).map((cidr) => `-A OSM_PROXY_OUTBOUND -d ${cidr} -j RETURN`),
    ...portRules('OSM_PROXY_OUTBOUND', settings.outboundPortExclusions),
    ...(settings.outboundIPRangeInclusions.length === 0
      ? ['-A OSM_PROXY_OUTBOUND -j OSM_PROXY_OUT_REDIRECT']
      : [
          ...included.map((cidr) => `-A OSM_PROXY_OUTBOUND -d ${cidr} -j OSM_PROXY_OUT_REDIRECT`),
          '-A OSM_PROXY_OUTBOUND -j RETURN',
        ]),
  ];
  // The application listens on the pod address only. The admin interface stays on loopback, hence the exception.
  const podIP =
    settings.localProxyMode === 'PodIP'
      ? [`-I OUTPUT -p tcp -o lo -d 127.0.0.1/32 ${uid} ! --dport ${PORT.proxyAdmin} -j DNAT --to-destination $POD_IP`]
      : [];
  return [
    '*nat',
    ':OSM_PROXY_INBOUND - [0:0]',
    ':OSM_PROXY_IN_REDIRECT - [0:0]',
    ':OSM_PROXY_OUTBOUND - [0:0]',
    ':OSM_PROXY_OUT_REDIRECT - [0:0]',
    `-A OSM_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-port ${PORT.proxyInbound}`,
    ...inbound,
    `-A OSM_PROXY_OUT_REDIRECT -p tcp -j REDIRECT --to-port ${PORT.proxyOutbound}`,
    ...outbound,
    ...podIP,
    'COMMIT',
    '',
  ].join('\n');
}
