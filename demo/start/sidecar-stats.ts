/** What a sidecar counted towards one upstream. */
export interface UpstreamStats {
  /** `namespace/service` */
  readonly service: string;
  /** Answers by status code. */
  readonly statuses: ReadonlyMap<string, number>;
  /** Connections opened, for traffic that is not HTTP. */
  readonly connections: number;
  /** TLS versions of its handshakes. */
  readonly tls: ReadonlySet<string>;
}

/** The counters that {@link readUpstreamStats} reads, as a filter for Envoy's `/stats`. */
export const STATS_FILTER = '^cluster\\..*\\|\\d+\\.(upstream_rq_\\d\\d\\d|upstream_cx_total|ssl\\.versions\\..*)$';

const LINE = /^cluster\.([^|]+)\|\d+\.(?:upstream_rq_(\d{3})|(upstream_cx_total)|ssl\.versions\.(\S+)): (\d+)$/;

/** Reads Envoy's `/stats` in its text form (https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--stats). */
export function readUpstreamStats(text: string): readonly UpstreamStats[] {
  const found = new Map<string, { statuses: Map<string, number>; connections: number; tls: Set<string> }>();
  for (const line of text.split('\n')) {
    const [, service = '', status, connections, tls, value] = LINE.exec(line) ?? [];
    if (service === '') continue;
    const stats = found.get(service) ?? { statuses: new Map(), connections: 0, tls: new Set() };
    found.set(service, stats);
    if (status !== undefined) stats.statuses.set(status, Number(value));
    if (connections !== undefined) stats.connections = Number(value);
    if (tls !== undefined && Number(value) > 0) stats.tls.add(tls);
  }
  return [...found].map(([service, stats]) => ({ service, ...stats })).sort((a, b) => (a.service < b.service ? -1 : 1));
}
