import type { IncomingMessage } from 'node:http';
import { call, type Outcome } from './call.ts';
import { page, serve } from './server.ts';

/** How a shopper shops. */
export interface ShopperOptions {
  /** `bookbuyer` or `bookthief`; also its `client-app` header. */
  readonly name: string;
  readonly port: number;
  /** `http://bookstore.bookstore:14001` */
  readonly bookstore: string;
  /** Between two requests. */
  readonly intervalMs: number;
}

interface Counters {
  /** Requests answered with 200. */
  books: number;
  requests: number;
  /** By status; `0` is no answer. */
  readonly statuses: Record<string, number>;
  /** Books by the server that sold them. */
  readonly servers: Record<string, number>;
  /** Why requests got no answer. */
  readonly errors: Record<string, number>;
}

const fresh = (): Counters => ({ books: 0, requests: 0, statuses: {}, servers: {}, errors: {} });

function count(counters: Counters, outcome: Outcome): void {
  const add = (group: Record<string, number>, key: string) => {
    group[key] = (group[key] ?? 0) + 1;
  };
  counters.requests += 1;
  add(counters.statuses, String(outcome.status));
  if (outcome.error !== undefined) add(counters.errors, outcome.error);
  if (outcome.status !== 200) return;
  counters.books += 1;
  add(counters.servers, outcome.server);
}

const MAX_BURST = 100_000;
const MAX_CONCURRENCY = 64;

function bounded(url: URL, name: string, fallback: number, max: number): number {
  const value = Number(url.searchParams.get(name) ?? fallback);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new Error(`${name} must be from 1 to ${max}`);
  return value;
}

/**
 * Shops without end, one book after another, and counts. `POST /burst?count=N&concurrency=M` shops so many more at once and
 * answers with their counters; `POST /reset` starts counting anew.
 */
export async function shop(options: ShopperOptions): Promise<void> {
  const { name } = options;
  let counters = fresh();
  const buy = () =>
    call(`${options.bookstore}/buy-a-book/new`, { 'client-app': name, 'user-agent': 'bookstore-http-client/2.0' });

  const burst = async (_request: IncomingMessage, url: URL) => {
    const total = bounded(url, 'count', 100, MAX_BURST);
    const concurrency = bounded(url, 'concurrency', 8, MAX_CONCURRENCY);
    const own = fresh();
    let started = 0;
    const worker = async () => {
      while (started < total) {
        started += 1;
        count(own, await buy());
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return { body: own };
  };
  await serve(options.port, {
    'GET /': () => ({ body: page(name, counters) }),
    'GET /counters': () => ({ body: counters }),
    'POST /reset': () => {
      counters = fresh();
      return { body: counters };
    },
    'POST /burst': burst,
  });
  const next = async (): Promise<void> => {
    const mine = counters;
    count(mine, await buy());
    setTimeout(() => void next(), options.intervalMs);
  };
  void next();
}
