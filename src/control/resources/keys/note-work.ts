import type { Database } from '../../database.ts';
import type { KeyWorkTable } from '../../tenancy-tables.ts';

export type Work = Pick<KeyWorkTable, 'act' | 'kind' | 'target'>;

/** To be called in the transaction that makes the work necessary; `carryOutWork` does it. */
export async function noteWork(db: Database, work: Work): Promise<number> {
  const { id } = await db.insertInto('key_work').values(work).returning('id').executeTakeFirstOrThrow();
  return id;
}
