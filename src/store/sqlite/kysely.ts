import { Kysely, SqliteDialect, type SqliteDatabase as KyselySqlite, type SqliteStatement as KyselyStatement } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from './open.ts';

/** Typed queries over a file that `openWritable` opened. Kysely closes it with `destroy`. */
export const kyselyOver = <Schema>(db: SqliteDatabase): Kysely<Schema> =>
  new Kysely<Schema>({ dialect: new SqliteDialect({ database: adapt(db) }) });

type Parameters = Parameters_<SqliteStatement['run']>;
type Parameters_<F> = F extends (...args: infer A) => unknown ? A : never;

/** The shape that Kysely's dialect asks of a driver, on node:sqlite. */
const adapt = (db: SqliteDatabase): KyselySqlite => ({
  close: () => db.close(),
  prepare: (sql) => adaptStatement(db.prepare(sql)),
});

function adaptStatement(statement: SqliteStatement): KyselyStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as Parameters)),
    run: (parameters) => statement.run(...(parameters as Parameters)),
    iterate: (parameters) => statement.iterate(...(parameters as Parameters)) as IterableIterator<unknown>,
  };
}
