import mysql from 'mysql2/promise';
import { page, serve } from './server.ts';

/** What a warehouse is told. */
export interface BookwarehouseOptions {
  readonly port: number;
  readonly database: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly name: string;
  };
}

const CREATE_TABLE = 'CREATE TABLE IF NOT EXISTS books (id INT AUTO_INCREMENT PRIMARY KEY, shop VARCHAR(64) NOT NULL)';

/** Hands out books and writes each down in the database, over a new connection every time, as policies judge connections. */
export async function keepBooks(options: BookwarehouseOptions): Promise<void> {
  const counters = { handedOut: 0, written: 0, refused: 0, lastError: '' };
  const write = async (shop: string): Promise<void> => {
    const { host, port, user, password, name } = options.database;
    const connection = await mysql.createConnection({
      host,
      port,
      user,
      password,
      database: name,
      connectTimeout: 3000,
    });
    try {
      await connection.query(CREATE_TABLE);
      await connection.execute('INSERT INTO books (shop) VALUES (?)', [shop]);
    } finally {
      connection.destroy();
    }
  };
  await serve(options.port, {
    'GET /': () => ({ body: page('bookwarehouse', counters) }),
    'GET /counters': () => ({ body: counters }),
    'GET /restock': async (request) => {
      counters.handedOut += 1;
      try {
        await write(String(request.headers['client-app'] ?? 'unknown').slice(0, 64));
        counters.written += 1;
        return { body: { written: counters.written } };
      } catch (error) {
        counters.refused += 1;
        counters.lastError = (error as Error).message;
        return { status: 503, body: { error: counters.lastError } };
      }
    },
  });
}
