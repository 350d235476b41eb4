import { table } from '@osm/cli';
import type { UpstreamStats } from './sidecar-stats.ts';

/** One moment of the running bookstore. */
export interface Moment {
  readonly at: Date;
  /** Undefined while MeshConfig cannot be read. */
  readonly permissive: boolean | undefined;
  /** `bookstore: bookstore-v1 50, bookstore-v2 50`; empty without a split. */
  readonly split: string;
  readonly clients: readonly {
    readonly name: string;
    readonly upstreams: readonly UpstreamStats[];
    /** Requests that got no answer at all, by reason; known of the shoppers only. */
    readonly unanswered: Readonly<Record<string, number>>;
  }[];
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

function rows(now: Moment, before: Moment | undefined): string[][] {
  const seconds = before === undefined ? 0 : (now.at.getTime() - before.at.getTime()) / 1000;
  const lines: string[][] = [];
  for (const client of now.clients) {
    const former = before?.clients.find((each) => each.name === client.name);
    for (const upstream of client.upstreams) {
      const total = sum(upstream.statuses.values());
      if (total === 0 && upstream.connections === 0) continue;
      const last = former?.upstreams.find((each) => each.service === upstream.service);
      const unit = total === 0 ? 'connections' : 'requests';
      const count = total === 0 ? upstream.connections : total;
      const formerCount = total === 0 ? last?.connections : sum(last?.statuses.values() ?? []);
      const rate = seconds === 0 || formerCount === undefined ? '' : ((count - formerCount) / seconds).toFixed(1);
      const statuses = [...upstream.statuses].sort().map(([status, times]) => `${status}: ${times}`);
      lines.push([
        client.name,
        upstream.service,
        rate,
        statuses.join('  ') || `${count} ${unit}`,
        [...upstream.tls].join(' ') || '-',
      ]);
    }
    const unanswered = sum(Object.values(client.unanswered));
    if (unanswered > 0) {
      const lastUnanswered = sum(Object.values(former?.unanswered ?? {}));
      const rate = seconds === 0 ? '' : ((unanswered - lastUnanswered) / seconds).toFixed(1);
      lines.push([client.name, '(refused)', rate, Object.keys(client.unanswered)[0] ?? '', '-']);
    }
  }
  return lines;
}

/** The live view as text: who calls whom, how often, with which answers, and under which TLS. */
export function drawMoment(now: Moment, before: Moment | undefined): string {
  const mode =
    now.permissive === undefined
      ? 'unknown'
      : now.permissive
        ? 'permissive: every workload may call every other'
        : 'policies decide: what no TrafficTarget allows is denied';
  return [
    `mode    ${mode}`,
    `split   ${now.split || 'none'}`,
    '',
    table(['FROM', 'TO', 'PER SECOND', 'ANSWERS', 'mTLS'], rows(now, before)),
  ].join('\n');
}
