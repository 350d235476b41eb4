import { APP_PORT, type Demo } from '../start/demo.ts';
import type { PortForward } from '../start/port-forward.ts';

/** What a shopper counted. */
export interface Counters {
  readonly books: number;
  readonly requests: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Books by the server that sold them. */
  readonly servers: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

/** A shopper of the bookstore, told what to do past its sidecar; what it then does goes through the sidecar. */
export interface Shopper {
  counters(): Promise<Counters>;
  reset(): Promise<void>;
  /** Shops so many times at once. */
  burst(count: number, concurrency?: number): Promise<Counters>;
  close(): void;
}

/** Requests of one burst of a constant load. */
const LOAD_BURST = 100;

/** Opens the way to a shopper's pod. */
export async function openShopper(
  demo: Demo,
  name: 'bookbuyer' | 'bookthief',
  namespace: string = name,
): Promise<Shopper> {
  const way: PortForward = await demo.forward(namespace, `deploy/${name}`, APP_PORT);
  const ask = async (method: string, path: string): Promise<Counters> => {
    const answer = await fetch(`${way.url(APP_PORT)}${path}`, { method });
    if (!answer.ok) throw new Error(`${name} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as Counters;
  };
  return {
    counters: () => ask('GET', '/counters'),
    reset: async () => {
      await ask('POST', '/reset');
    },
    burst: (count, concurrency = 8) => ask('POST', `/burst?count=${count}&concurrency=${concurrency}`),
    close: () => way.close(),
  };
}

/** A load without pause, until it is stopped. */
export interface Load {
  /** Resolves with everything counted since the start. Rejects when the shopper could not be told. */
  stop(): Promise<Counters>;
}

const add = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> => {
  const sum: Record<string, number> = { ...a };
  for (const [key, value] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + value;
  return sum;
};

/** The counters of two loads together. */
export const plus = (a: Counters, b: Counters): Counters => ({
  books: a.books + b.books,
  requests: a.requests + b.requests,
  statuses: add(a.statuses, b.statuses),
  servers: add(a.servers, b.servers),
  errors: add(a.errors, b.errors),
});

/** Starts a constant load. */
export function startLoad(shopper: Shopper): Load {
  let stopped = false;
  const run = (async () => {
    let total: Counters = { books: 0, requests: 0, statuses: {}, servers: {}, errors: {} };
    while (!stopped) total = plus(total, await shopper.burst(LOAD_BURST));
    return total;
  })();
  run.catch(() => {});
  return {
    stop: () => {
      stopped = true;
      return run;
    },
  };
}

/** Requests that brought no book, in words; empty when there are none. */
export function losses(counters: Counters): string {
  const bad = Object.entries(counters.statuses).filter(([status]) => status !== '200');
  if (bad.length === 0) return '';
  const reasons = Object.keys(counters.errors).join('; ');
  return `${bad.map(([status, times]) => `${times} × ${status === '0' ? 'no answer' : status}`).join(', ')}${reasons && ` (${reasons})`}`;
}
