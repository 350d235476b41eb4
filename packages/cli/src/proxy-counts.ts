/** What a sidecar counted on one port of a service since it started; requests for HTTP, connections for other ports. */
export interface PortCounts {
  /** `<namespace>/<service>`. */
  readonly service: string;
  /** Port of the application. */
  readonly port: number;
  /** What rules that are audited would let in, and would refuse. */
  readonly wouldAllow: number;
  readonly wouldDeny: number;
  /** What came by mutual TLS, and in plaintext. */
  readonly mtls: number;
  readonly plaintext: number;
}

/** Envoy's filter for the statistics that {@link readCounts} reads (`/stats?filter=`, RE2). */
export const COUNTS_FILTER = String.raw`(audit\.shadow_(allowed|denied)|rds-inbound[^:]*\.downstream_rq_total|inbound-(mesh|plaintext)-tcp-proxy[^:]*\.downstream_cx_total)$`;

type Counted = 'wouldAllow' | 'wouldDeny' | 'mtls' | 'plaintext';
const AUDITED: Readonly<Record<string, Counted>> = { allowed: 'wouldAllow', denied: 'wouldDeny' };

/** Names of statistics, as the proxies' chains and routes are named (core's `xds/names.ts`). */
const FORMS: readonly (readonly [pattern: RegExp, counted: (word: string) => Counted | undefined])[] = [
  [
    /^http\.mesh-http-conn-manager\.rds-inbound\.(?<service>.+)\.(?<port>\d+)\.rbac\.audit\.shadow_(?<word>\w+)$/,
    (word) => AUDITED[word],
  ],
  [/^network-inbound_(?<service>.+)_(?<port>\d+)_[\w-]+\.rbac\.audit\.shadow_(?<word>\w+)$/, (word) => AUDITED[word]],
  [
    /^http\.mesh-http-conn-manager\.rds-inbound(?<word>-plaintext)?\.(?<service>.+)\.(?<port>\d+)\.downstream_rq_total$/,
    (word) => (word === '' ? 'mtls' : 'plaintext'),
  ],
  [
    /^tcp\.inbound-(?<word>mesh|plaintext)-tcp-proxy\.(?<service>.+)\|(?<port>\d+)\|local\.downstream_cx_total$/,
    (word) => (word === 'mesh' ? 'mtls' : 'plaintext'),
  ],
];

const NOTHING = { wouldAllow: 0, wouldDeny: 0, mtls: 0, plaintext: 0 };

/** Reads the answer of Envoy's `/stats`, a line `name: number` for each; sorted by service and port. Others pass unread. */
export function readCounts(stats: string): readonly PortCounts[] {
  const ports = new Map<string, PortCounts>();
  for (const line of stats.split('\n')) {
    const at = line.lastIndexOf(': ');
    const count = Number(line.slice(at + 2));
    if (at < 0 || !Number.isSafeInteger(count)) continue;
    for (const [pattern, countedBy] of FORMS) {
      const { service = '', port = '', word = '' } = pattern.exec(line.slice(0, at))?.groups ?? {};
      const counted = service === '' ? undefined : countedBy(word);
      if (counted === undefined) continue;
      const key = `${service} ${port}`;
      const known = ports.get(key) ?? { service, port: Number(port), ...NOTHING };
      ports.set(key, { ...known, [counted]: known[counted] + count });
      break;
    }
  }
  return [...ports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counts]) => counts);
}
