import type { UsageSummaryRow } from '../../../ipc/messages/reports.ts';
import type { Database } from '../../database.ts';

/** What people call the rows that the ledger knows by id. Ids of rows that are gone stay ids. */
export type Names = ReadonlyMap<string, string>;

/** SQLite takes so many values in one statement without thinking. */
const MOST = 1000;

/** Dimensions of a report whose rows have names, and where those stand. */
const NAMED = { key: 'keys', team: 'teams', organization: 'organizations', project: 'projects' } as const;
export type DimensionNames = Readonly<Partial<Record<keyof typeof NAMED, Names>>>;

/** Of each of these dimensions that `by` asks for: what its ids are called. */
export async function dimensionNames(db: Database, by: readonly string[], rows: readonly UsageSummaryRow[]): Promise<DimensionNames> {
  const asked = (Object.keys(NAMED) as (keyof typeof NAMED)[]).filter((name) => by.includes(name));
  const found = await Promise.all(
    asked.map(
      async (name) =>
        [
          name,
          await namesOf(
            db,
            NAMED[name],
            rows.flatMap(({ dimensions }) => dimensions[name] ?? []),
          ),
        ] as const,
    ),
  );
  return Object.fromEntries(found);
}

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
