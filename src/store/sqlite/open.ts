/** Opens SQLite files the same way everywhere: safe settings, private file mode, checked migrations. Loads no package. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import * as sqlite from 'node:sqlite';
import { BulkheadError } from '../../core/errors.ts';

export type SqliteDatabase = sqlite.DatabaseSync;
export type SqliteStatement = sqlite.StatementSync;

/** Newer runtimes call the synchronous class `Database`; the older name is an alias there. */
const Engine = (sqlite as { readonly Database?: typeof sqlite.DatabaseSync }).Database ?? sqlite.DatabaseSync;

export interface Migration {
  /** From 1, without gaps; becomes the file's `user_version`. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

export interface WritableOptions {
  /** `full`: a commit is on disk when it returns. `normal`: a power loss may take the last commits, never the file's consistency. */
  readonly synchronous: 'full' | 'normal';
  readonly migrations: readonly Migration[];
}

const BUSY_MS = 5000;
/** Write-ahead log between checkpoints: 16 MiB, so that a page written over and over is copied into the file once. */
const CHECKPOINT_PAGES = 4000;

/** Opens or creates a file as its one writer and brings its schema up to date. Throws `schema_too_new` for a file of a newer program. */
export function openWritable(file: string, { synchronous, migrations }: WritableOptions): SqliteDatabase {
  // SQLite gives the -wal and -shm files the mode of the main file.
  fs.closeSync(fs.openSync(file, 'a', 0o600));
  const db = new Engine(file, { timeout: BUSY_MS, enableForeignKeyConstraints: true, allowExtension: false });
  try {
    refuseNewer(db, migrations.length);
    db.exec('PRAGMA journal_mode = WAL');
    db.exec(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
    db.exec('PRAGMA trusted_schema = OFF');
    db.exec('PRAGMA temp_store = MEMORY');
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(db, migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens an existing file for reports. It never blocks the writer. */
export function openReadable(file: string): SqliteDatabase {
  const db = new Engine(file, { readOnly: true, timeout: BUSY_MS, allowExtension: false });
  db.exec('PRAGMA query_only = ON');
  db.exec('PRAGMA temp_store = MEMORY');
  return db;
}

/** Runs `work` in one transaction that takes the write lock at once; a throw rolls it back. */
export function inTransaction<T>(db: SqliteDatabase, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  let result: T;
  try {
    result = work();
    db.exec('COMMIT');
  } catch (error) {
    // A full disk makes SQLite roll back by itself; then there is no transaction left to end.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
  return result;
}

const userVersion = (db: SqliteDatabase): number => (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

function refuseNewer(db: SqliteDatabase, known: number): void {
  const found = userVersion(db);
  if (found > known) throw new BulkheadError('schema_too_new', { found, known });
}

function migrate(db: SqliteDatabase, migrations: readonly Migration[]): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
  );
  const checksums = new Map(
    db
      .prepare('SELECT version, checksum FROM migrations')
      .all()
      .map((row) => [row['version'], row['checksum']]),
  );
  for (const [index, { version, name, sql }] of migrations.entries()) {
    if (version !== index + 1) throw new Error(`migration ${name} has version ${version} at place ${index + 1}`);
    const checksum = createHash('sha256').update(sql).digest('hex');
    const applied = checksums.get(version);
    if (applied === checksum) continue;
    if (applied !== undefined) throw new Error(`migration ${version} (${name}) is not the one this file was made with`);
    inTransaction(db, () => {
      db.exec(sql);
      db.prepare('INSERT INTO migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)').run(
        version,
        name,
        checksum,
        Date.now(),
      );
      db.exec(`PRAGMA user_version = ${version}`);
    });
  }
}
