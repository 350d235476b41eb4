import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** A write that the state file did not take (disk full, read-only, damaged). The write has not happened. */
export class StoreUnavailable extends Error {
  readonly file: string;
  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the cluster's state file ${file} cannot be written (${reason}): free disk space or check its permissions`);
    this.name = 'StoreUnavailable';
    this.file = file;
    this.cause = cause;
  }
}

/** One row of the state file. */
export interface PersistedObject {
  readonly bucket: string;
  readonly key: string;
  readonly revision: number;
  readonly json: string;
}

/** Form of the state file; a file with another number is refused rather than misread. */
const FORMAT = 1;

/**
 * The state file: one SQLite database in write-ahead mode. A write returns when SQLite has it, which costs one system
 * call and no disk flush (`synchronous = NORMAL`): the file survives a crash of the process whole, and a crash of
 * the machine consistent but possibly without the last moments.
 */
export class StateFile {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #revision: StatementSync;

  /** Throws {@link StoreUnavailable} when the file cannot be opened or is not a state file of this form. */
  constructor(file: string) {
    this.file = file;
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
      const found = this.#database.prepare('PRAGMA user_version').get() as { user_version: number };
      if (found.user_version !== 0 && found.user_version !== FORMAT)
        throw new Error(`it has format ${found.user_version}, this program reads format ${FORMAT}`);
      this.#database.exec(`
        CREATE TABLE IF NOT EXISTS objects (
          bucket TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, json TEXT NOT NULL,
          PRIMARY KEY (bucket, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL);
        INSERT OR IGNORE INTO counter (id, revision) VALUES (0, 0);
        PRAGMA user_version = ${FORMAT}`);
      this.#put = this.#database.prepare(
        'INSERT INTO objects (bucket, key, revision, json) VALUES (?, ?, ?, ?) ' +
          'ON CONFLICT (bucket, key) DO UPDATE SET revision = excluded.revision, json = excluded.json',
      );
      this.#delete = this.#database.prepare('DELETE FROM objects WHERE bucket = ? AND key = ?');
      this.#revision = this.#database.prepare('UPDATE counter SET revision = ? WHERE id = 0');
    } catch (cause) {
      throw new StoreUnavailable(file, cause);
    }
  }

  /** Every object of the file, by bucket and key. */
  *objects(): Generator<PersistedObject> {
    for (const row of this.#database.prepare('SELECT bucket, key, revision, json FROM objects').iterate())
      yield row as unknown as PersistedObject;
  }

  /** The highest revision ever given, deletions included. */
  revision(): number {
    const row = this.#database
      .prepare('SELECT max((SELECT revision FROM counter), (SELECT ifnull(max(revision), 0) FROM objects)) AS revision')
      .get() as { revision: number };
    return row.revision;
  }

  put(object: PersistedObject): void {
    this.#write(() => this.#put.run(object.bucket, object.key, object.revision, object.json));
  }

  /** Deletes a row and records the revision of the deletion, which no row holds any more. */
  delete(bucket: string, key: string, revision: number): void {
    this.#write(() => {
      this.#database.exec('BEGIN');
      try {
        this.#delete.run(bucket, key);
        this.#revision.run(revision);
        this.#database.exec('COMMIT');
      } catch (cause) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw cause;
      }
    });
  }

  /** Bounds the file to so many pages of 4 KiB; a write beyond is refused as on a full disk. */
  limitPages(pages: number): void {
    this.#database.exec(`PRAGMA max_page_count = ${Math.trunc(pages)}`);
  }

  close(): void {
    this.#database.close();
  }

  #write(action: () => void): void {
    try {
      action();
    } catch (cause) {
      throw new StoreUnavailable(this.file, cause);
    }
  }
}
