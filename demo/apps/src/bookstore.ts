import { call } from './call.ts';
import { page, serve } from './server.ts';

/** What a bookstore is told. */
export interface BookstoreOptions {
  /** `bookstore-v1`: told to customers in the header `x-bookstore`. */
  readonly identity: string;
  readonly port: number;
  /** `http://bookwarehouse.bookwarehouse:14001` */
  readonly warehouse: string;
  /** Books sold for one that is ordered from the warehouse. */
  readonly restockEvery: number;
}

/** Sells books, and orders new ones from the warehouse. A sale does not wait for the warehouse. */
export async function sellBooks(options: BookstoreOptions): Promise<void> {
  const { identity } = options;
  const counters = { identity, sold: 0, restocked: 0, restockStatuses: {} as Record<string, number> };
  const restock = async (): Promise<void> => {
    const { status } = await call(`${options.warehouse}/restock`, { 'client-app': identity });
    counters.restockStatuses[status] = (counters.restockStatuses[status] ?? 0) + 1;
    if (status === 200) counters.restocked += 1;
  };
  const headers = { 'x-bookstore': identity };
  await serve(options.port, {
    'GET /': () => ({ body: page(identity, counters) }),
    'GET /counters': () => ({ headers, body: counters }),
    'GET /books-bought': () => ({ headers, body: { identity, sold: counters.sold } }),
    'GET /buy-a-book/new': () => {
      counters.sold += 1;
      if (counters.sold % options.restockEvery === 0) void restock();
      return { headers, body: { identity, sold: counters.sold } };
    },
  });
}
