import { call } from './call.ts';

/** Buys one book and ends, as a Job does. Throws when there was none. */
export async function purchase(bookstore: string): Promise<void> {
  const { status, server, error } = await call(`${bookstore}/buy-a-book/new`, {
    'client-app': 'bookbuyer',
    'user-agent': 'bookstore-http-client/2.0',
  });
  process.stdout.write(`${status} from ${server || bookstore}\n`);
  if (status !== 200) throw new Error(error ?? `no book: status ${status}`);
  process.exit(0);
}
