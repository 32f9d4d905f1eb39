import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  Selectable,
  UnknownRow,
} from 'kysely';
import { BulkheadError } from '../core/errors.ts';
import type { Database, Schema } from './database.ts';
import { ROWS_COUNTED_SINCE } from './head-tables.ts';
import type { RowSeals, SealedFacts } from './row-seals.ts';

interface Seal {
  /** What a row of it is called, in a report and in what is signed. */
  readonly name: string;
  /** Those that decide about anything, in the order in which they are signed, behind name and id. */
  readonly columns: readonly string[];
  /** By default `id`. */
  readonly id?: string;
  /** Schema that brought the seals, where it was not the first of them: rows of before are sealed at that upgrade alone. */
  readonly since?: number;
}

/**
 * Rows that give somebody something, each by itself. Keys, sessions, tokens and identities have seals of their own form, limits, budgets,
 * shares and raises are in texts that the vault signed. `key_work` and `group_uses` have none: what a row of them can do is have keys signed
 * anew as their parents allow, or ended. What is lost with such a row, or with any other, is what `RowHeads` is for.
 */
const SEALS = {
  organizations: { name: 'organization', columns: ['name', 'models', 'created_at', 'removed_at'] },
  teams: { name: 'team', columns: ['organization', 'name', 'models', 'keys_per_member', 'created_at', 'removed_at'] },
  projects: { name: 'project', columns: ['organization', 'team', 'name', 'models', 'created_at', 'removed_at'] },
  service_accounts: { name: 'service-account', columns: ['organization', 'team', 'name', 'created_at', 'removed_at'] },
  users: { name: 'user', columns: ['name', 'email', 'organization', 'state', 'created_at', 'removed_at'] },
  access_groups: { name: 'access-group', columns: ['name', 'models', 'created_at'] },
  memberships: { name: 'membership', columns: ['user', 'organization', 'team', 'role', 'created_at'] },
  /** Else a role that claims gave could be made another person's, or outlive them. */
  claimed_members: {
    name: 'claimed-role',
    columns: ['issuer', 'organization', 'team', 'membership'],
    id: 'subject',
    since: ROWS_COUNTED_SINCE,
  },
  /** Else whoever grants one could be shown the amount, the owner or the reason of nobody's request. */
  budget_requests: {
    name: 'budget-request',
    columns: [
      'owner_kind',
      'owner_id',
      'organization',
      'team',
      'project',
      'user',
      'picodollars',
      'until',
      'reason',
      'state',
      'asked_by',
      'asked_at',
      'decided_by',
      'decided_at',
      'answer',
      'budget',
    ],
    since: ROWS_COUNTED_SINCE,
  },
} as const satisfies Record<string, Seal>;

export type SealedTable = keyof typeof SEALS;
type Unsealed<Table extends SealedTable> = Omit<Selectable<Schema[Table]>, 'signature'>;

/** Memberships had their seals from their beginning: one without is somebody else's. */
const SEALED_SINCE = (Object.keys(SEALS) as readonly SealedTable[]).filter((table) => table !== 'memberships');
const isSealed = (table: string): table is SealedTable => Object.hasOwn(SEALS, table);

/** `row` may have more; what is not there is null. */
function factsOf(table: SealedTable, row: Readonly<Record<string, unknown>>): SealedFacts {
  const { name, columns, id = 'id' }: Seal = SEALS[table];
  return [name, row[id] as string, ...columns.map((column) => (row[column] ?? null) as string | number | null)];
}

/** The row with the vault's signature. */
export async function sealed<Table extends SealedTable>(
  seals: Pick<RowSeals, 'seal'>,
  table: Table,
  row: Unsealed<Table>,
): Promise<Unsealed<Table> & { readonly signature: string }> {
  return { ...row, signature: await seals.seal(factsOf(table, row)) };
}

/** A row as it will be. */
export interface Resealed {
  readonly table: SealedTable;
  readonly id: string;
  /** The signature that it has until then. */
  readonly before: string;
  readonly columns: Readonly<Record<string, unknown>>;
}

/** The row of this id with other columns, signed. Written by `writeResealed`, in the transaction that it is a part of. Throws row_edited. */
export async function reseal<Table extends SealedTable>(
  db: Database,
  seals: Pick<RowSeals, 'seal'>,
  table: Table,
  id: string,
  change: Partial<Unsealed<Table>>,
): Promise<Resealed> {
  // The tables have these columns in common; the one named decides what is signed.
  const row = await db
    .selectFrom(table as 'organizations')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('row_edited', { resource: SEALS[table].name, id });
  const signature = await seals.seal(factsOf(table, { ...row, ...change }));
  return { table, id, before: row.signature, columns: { ...change, signature } };
}

/** Throws changed_meanwhile where the row is no longer the one that was read. */
export async function writeResealed(db: Database, { table, id, before, columns }: Resealed): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable(table as 'organizations')
    .set(columns)
    .where('id', '=', id)
    .where('signature', '=', before)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new BulkheadError('changed_meanwhile', { resource: SEALS[table].name, id });
}

/**
 * Every reader of a whole row of these tables gets only what the vault signed: one that somebody edited is reported, and is as if it were
 * not there. So nobody has to remember to look. A reader of single columns gets them unverified, for names and for lists.
 */
export const onlySealed = (db: Database, seals: RowSeals): Database => db.withPlugin(new SealPlugin(seals));

class SealPlugin implements KyselyPlugin {
  readonly #seals: RowSeals;
  readonly #tables = new WeakMap<object, SealedTable>();

  constructor(seals: RowSeals) {
    this.#seals = seals;
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const table = wholeRowsOf(node);
    if (table !== undefined) this.#tables.set(queryId, table);
    return node;
  }

  async transformResult({ result, queryId }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    const table = this.#tables.get(queryId);
    if (table === undefined) return result;
    const rows = await Promise.all(result.rows.map(async (row) => ((await this.#isIntact(table, row)) ? [row] : [])));
    return { ...result, rows: rows.flat() };
  }

  async #isIntact(table: SealedTable, row: UnknownRow): Promise<boolean> {
    // What was removed gives nobody anything, whatever its row says.
    const { removed_at: removed = null, signature } = row;
    return removed !== null || this.#seals.holds(factsOf(table, row), signature as string);
  }
}

/** `SELECT * FROM table` with whatever conditions. */
function wholeRowsOf(node: RootOperationNode): SealedTable | undefined {
  if (node.kind !== 'SelectQueryNode') return undefined;
  const [from, another] = node.from?.froms ?? [];
  const isWhole = node.selections?.some(({ selection }) => selection.kind === 'SelectAllNode') === true;
  if (!isWhole || from?.kind !== 'TableNode' || another !== undefined || node.joins !== undefined) return undefined;
  const { table } = from as unknown as { readonly table: { readonly identifier: { readonly name: string } } };
  return isSealed(table.identifier.name) ? table.identifier.name : undefined;
}

/** Rows at a time that are signed together. */
const AT_ONCE = 16;

/**
 * Seals what has no seal while the mark of an upgrade is there, and takes the mark away; gives the number of rows. `db` shows
 * them as they stand. A row that has a seal keeps it: a wrong one is not made right.
 */
export async function sealRowsOfBefore(db: Database, seals: RowSeals): Promise<number> {
  const marks = new Set((await db.selectFrom('unsealed').select('since').execute()).map(({ since }) => since));
  const tables = SEALED_SINCE.filter((table) => marks.has(sinceOf(table)));
  let count = 0;
  for (const table of tables) count += await sealTable(db, seals, table);
  await db.deleteFrom('unsealed').execute();
  return count;
}

/** 0: the first schema that had seals. */
function sinceOf(table: SealedTable): number {
  const { since = 0 }: Seal = SEALS[table];
  return since;
}

async function sealTable(db: Database, seals: RowSeals, table: SealedTable): Promise<number> {
  // The tables have these columns in common; the one named decides what is signed. A row is found by all that it says: not each has an id.
  const name = table as 'organizations';
  const rows = await db.selectFrom(name).selectAll().where('signature', '=', '').execute();
  const live = rows.filter((row: { readonly removed_at?: number | null }) => (row.removed_at ?? null) === null);
  for (let from = 0; from < live.length; from += AT_ONCE) {
    const made = await Promise.all(live.slice(from, from + AT_ONCE).map((row) => sealed(seals, name, row)));
    for (const { signature, ...row } of made) {
      const columns = Object.entries(row) as [keyof typeof row, string | null][];
      await db
        .updateTable(name)
        .set({ signature })
        .where('signature', '=', '')
        .where((where) => where.and(columns.map(([column, value]) => where(column, 'is', value))))
        .execute();
    }
  }
  return live.length;
}

export const hasUnsealed = async (db: Database): Promise<boolean> =>
  (await db.selectFrom('unsealed').select('since').limit(1).executeTakeFirst()) !== undefined;
