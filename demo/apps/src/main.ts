import { sellBooks } from './bookstore.ts';
import { keepBooks } from './bookwarehouse.ts';
import { purchase } from './purchase.ts';
import { shop } from './shopper.ts';

/** The applications of the bookstore demo, by name; each is an image of its own. */
const text = (name: string, fallback: string): string => process.env[name] ?? fallback;
const number = (name: string, fallback: number): number => {
  const value = Number(process.env[name] ?? fallback);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`${name} must be a positive number, not ${JSON.stringify(process.env[name])}`);
};
const port = () => number('PORT', 14001);
const shopper = (name: string) =>
  shop({
    name,
    port: port(),
    bookstore: text('BOOKSTORE', 'http://bookstore.bookstore:14001'),
    intervalMs: number('INTERVAL_MS', 100),
  });

const APPLICATIONS: Readonly<Record<string, () => Promise<void>>> = {
  bookbuyer: () => shopper('bookbuyer'),
  bookthief: () => shopper('bookthief'),
  bookstore: () =>
    sellBooks({
      identity: text('IDENTITY', 'bookstore-v1'),
      port: port(),
      warehouse: text('BOOKWAREHOUSE', 'http://bookwarehouse.bookwarehouse:14001'),
      restockEvery: number('RESTOCK_EVERY', 10),
    }),
  purchase: () => purchase(text('BOOKSTORE', 'http://bookstore.bookstore:14001')),
  bookwarehouse: () =>
    keepBooks({
      port: port(),
      database: {
        host: text('DATABASE_HOST', 'mysql.bookwarehouse'),
        port: number('DATABASE_PORT', 3306),
        user: text('DATABASE_USER', 'books'),
        password: text('DATABASE_PASSWORD', ''),
        name: text('DATABASE_NAME', 'booksdemo'),
      },
    }),
};

const name = process.argv[2] ?? '';
const start = APPLICATIONS[name];
if (start === undefined) {
  process.stderr.write(`usage: main.ts ${Object.keys(APPLICATIONS).join('|')}\n`);
  process.exit(2);
}
try {
  await start();
} catch (error) {
  process.stderr.write(`${name}: ${(error as Error).message}\n`);
  process.exit(1);
}
