import { RequestError } from './status-error.ts';

/** Which part of a log is wanted, in which form (core/v1 PodLogOptions). */
export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  /** Only lines from this moment (ms) on. */
  readonly since: number | undefined;
  readonly limitBytes: number | undefined;
  readonly stream: 'stdout' | 'stderr' | 'All';
}

/** Reads the query of a log request. Throws {@link RequestError} naming the parameter. */
export function parseLogQuery(query: URLSearchParams, now: number): LogQuery {
  const count = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    if (!/^\d{1,15}$/.test(text))
      throw new RequestError(400, `${name} must be a whole number that is not negative, not ${JSON.stringify(text)}`);
    return Number(text);
  };
  const flag = (name: string): boolean => {
    const text = query.get(name);
    return text !== null && text !== 'false' && text !== '0';
  };
  const seconds = count('sinceSeconds');
  const time = query.get('sinceTime');
  const since = seconds !== undefined ? now - seconds * 1000 : time ? Date.parse(time) : undefined;
  if (Number.isNaN(since))
    throw new RequestError(400, `sinceTime must be an RFC 3339 time, not ${JSON.stringify(time)}`);
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream.toLowerCase() !== 'stdout' && stream.toLowerCase() !== 'stderr') {
    throw new RequestError(400, `stream must be All, Stdout or Stderr, not ${JSON.stringify(stream)}`);
  }
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    tailLines: count('tailLines'),
    since,
    limitBytes: count('limitBytes'),
    stream: stream === 'All' ? 'All' : (stream.toLowerCase() as 'stdout' | 'stderr'),
  };
}

/** One stored line of a log: `<time> <stream> <F|P> <text>`. */
interface StoredLine {
  readonly time: string;
  readonly stream: string;
  readonly partial: boolean;
  readonly text: Buffer;
}

/** Turns stored lines into what the reader asked for. Keeps what it must know between chunks. */
export class LogFormat {
  private readonly query: LogQuery;
  private readonly midLine = new Set<string>();
  private left: number;

  constructor(query: LogQuery) {
    this.query = query;
    this.left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** True when limitBytes has been reached. */
  get exhausted(): boolean {
    return this.left <= 0;
  }

  /** The output for whole stored lines (each ended by a newline). */
  format(stored: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (const raw of splitLines(stored)) {
      const line = parseLine(raw);
      if (!line || !this.wanted(line)) continue;
      const stamp =
        this.query.timestamps && !this.midLine.has(line.stream) ? Buffer.from(`${line.time} `) : Buffer.alloc(0);
      if (line.partial) this.midLine.add(line.stream);
      else this.midLine.delete(line.stream);
      parts.push(stamp, line.text, ...(line.partial ? [] : [NEWLINE]));
    }
    const whole = Buffer.concat(parts);
    const cut = whole.length > this.left ? whole.subarray(0, this.left) : whole;
    this.left -= cut.length;
    return cut;
  }

  private wanted(line: StoredLine): boolean {
    if (this.query.stream !== 'All' && line.stream !== this.query.stream) return false;
    return this.query.since === undefined || Date.parse(line.time) >= this.query.since;
  }
}

const NEWLINE = Buffer.from('\n');

/** The last `count` lines of stored log text; a line in parts counts once. */
export function lastLines(stored: Buffer, count: number): Buffer {
  if (count === 0) return Buffer.alloc(0);
  let found = 0;
  let end = stored.length;
  while (end > 0) {
    const start = stored.lastIndexOf(10, end - 2) + 1;
    const isPart = / P /.test(stored.subarray(start, Math.min(end, start + 45)).toString('latin1'));
    if (!isPart) {
      if (found === count) return stored.subarray(end);
      found += 1;
    }
    end = start;
  }
  return stored;
}

function* splitLines(stored: Buffer): Iterable<Buffer> {
  let start = 0;
  for (let end = stored.indexOf(10); end >= 0; end = stored.indexOf(10, start)) {
    yield stored.subarray(start, end);
    start = end + 1;
  }
}

function parseLine(raw: Buffer): StoredLine | undefined {
  const head = /^(\S+) (stdout|stderr) ([FP]) /.exec(raw.subarray(0, 64).toString('latin1'));
  if (!head) return undefined;
  return { time: head[1] ?? '', stream: head[2] ?? '', partial: head[3] === 'P', text: raw.subarray(head[0].length) };
}
