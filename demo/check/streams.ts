import type { Segment } from './pcap.ts';

/** The bytes of one direction of one connection, in order. */
export interface Stream {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
  /** The capture saw its beginning, and missed nothing up to its end. */
  readonly complete: boolean;
}

interface Flow {
  readonly from: string;
  readonly to: string;
  start: number | undefined;
  readonly chunks: Map<number, Buffer>;
}

/** Distance of two sequence numbers, which wrap around (RFC 9293 §3.4). */
const distance = (from: number, to: number): number => (to - from) >>> 0;

/** Puts segments together to streams. A new SYN between the same two ends begins a new stream. */
export function assemble(segments: Iterable<Segment>): readonly Stream[] {
  const open = new Map<string, Flow>();
  const all: Flow[] = [];
  for (const segment of segments) {
    const key = `${segment.from} ${segment.to}`;
    let flow = open.get(key);
    const begins = segment.syn && flow?.start !== (segment.sequence + 1) >>> 0;
    if (flow === undefined || begins) {
      flow = { from: segment.from, to: segment.to, start: undefined, chunks: new Map() };
      open.set(key, flow);
      all.push(flow);
    }
    if (segment.syn) flow.start = (segment.sequence + 1) >>> 0;
    if (segment.payload.length === 0) continue;
    const known = flow.chunks.get(segment.sequence);
    if (known === undefined || known.length < segment.payload.length)
      flow.chunks.set(segment.sequence, segment.payload);
  }
  return all.filter((flow) => flow.chunks.size > 0).map(joinChunks);
}

function joinChunks(flow: Flow): Stream {
  const { from, to } = flow;
  const first = flow.start ?? [...flow.chunks.keys()][0] ?? 0;
  const ordered = [...flow.chunks].map(([sequence, chunk]) => [distance(first, sequence), chunk] as const);
  ordered.sort((a, b) => a[0] - b[0]);
  const parts: Buffer[] = [];
  let end = 0;
  let complete = flow.start !== undefined;
  for (const [at, chunk] of ordered) {
    if (at > end) {
      complete = false;
      break;
    }
    if (at + chunk.length <= end) continue;
    parts.push(chunk.subarray(end - at));
    end = at + chunk.length;
  }
  return { from, to, bytes: Buffer.concat(parts), complete };
}
