import type { Database } from '../../database.ts';

/** What people call the rows that the ledger knows by id. Ids of rows that are gone stay ids. */
export type Names = ReadonlyMap<string, string>;

/** SQLite takes so many values in one statement without thinking. */
const MOST = 1000;

export async function namesOf(db: Database, table: 'keys' | 'teams' | 'organizations' | 'projects', ids: Iterable<string>): Promise<Names> {
  const asked = [...new Set(ids)].filter((id) => id !== '');
  const names = new Map<string, string>();
  for (let from = 0; from < asked.length; from += MOST) {
    const rows = await db
      .selectFrom(table)
      .select(['id', 'name'])
      .where('id', 'in', asked.slice(from, from + MOST))
      .execute();
    for (const { id, name } of rows) names.set(id, name);
  }
  return names;
}
