import type { Selectable } from 'kysely';
import { digestKey, keyHint, newPersonalToken } from '../../../access/virtual-key.ts';
import type { TokenView } from '../../../api/people.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { RowSeals, SealedFacts } from '../../row-seals.ts';
import type { TokensTable } from '../../tenancy-tables.ts';

/** Personal tokens: only their digest is kept. A token may what its person may at the moment it is used. */

export type TokenRow = Selectable<TokensTable>;

const factsOf = ({ id, digest, user, created_at, expires_at }: Omit<TokenRow, 'signature'>): SealedFacts => [
  'token',
  id,
  digest,
  user,
  created_at,
  expires_at,
];

export async function createToken(
  db: Database,
  seals: RowSeals,
  _permit: PermitFor<'token.create'>,
  token: Pick<TokenRow, 'id' | 'user' | 'name' | 'expires_at'>,
  now: number,
): Promise<{ readonly text: string; readonly stored: TokenRow }> {
  const text = newPersonalToken();
  const row = { ...token, digest: digestKey(text), hint: keyHint(text), created_at: now, revoked_at: null };
  const stored = { ...row, signature: await seals.seal(factsOf(row)) };
  await db.insertInto('tokens').values(stored).execute();
  return { text, stored };
}

/** The row behind a token that works now. Undefined: unknown, expired, revoked or edited, alike. */
export async function findLiveToken(db: Database, seals: RowSeals, text: string, now: number): Promise<TokenRow | undefined> {
  const row = await db.selectFrom('tokens').selectAll().where('digest', '=', digestKey(text)).executeTakeFirst();
  if (row === undefined || stateOfToken(row, now) !== 'active') return undefined;
  return (await seals.holds(factsOf(row), row.signature)) ? row : undefined;
}

/** Throws resource_missing. */
export async function findToken(db: Database, id: string): Promise<TokenRow> {
  const row = await db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'token', id });
  return row;
}

export const tokensOf = (db: Database, user: string): Promise<readonly TokenRow[]> =>
  db.selectFrom('tokens').selectAll().where('user', '=', user).orderBy('id', 'desc').limit(1000).execute();

/** The signature goes with it, so that nobody revives the token by clearing a column. */
export async function revokeToken(db: Database, _permit: PermitFor<'token.revoke'>, id: string, now: number): Promise<TokenRow> {
  await db
    .updateTable('tokens')
    .set((set) => ({ revoked_at: set.fn.coalesce('revoked_at', set.val(now)), signature: '' }))
    .where('id', '=', id)
    .execute();
  return findToken(db, id);
}

const stateOfToken = ({ revoked_at, expires_at }: TokenRow, now: number): TokenView['state'] =>
  revoked_at !== null ? 'revoked' : expires_at !== null && expires_at <= now ? 'expired' : 'active';

export const tokenView = (row: TokenRow, now: number): TokenView => ({
  id: row.id,
  name: row.name,
  user: row.user,
  hint: row.hint,
  created_at: new Date(row.created_at).toISOString(),
  expires_at: row.expires_at === null ? null : new Date(row.expires_at).toISOString(),
  state: stateOfToken(row, now),
});
