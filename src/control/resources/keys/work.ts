import { sql } from 'kysely';
import { meet } from '../../../access/model-set.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { CONTROL } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import { modelsJson, ModelScopes, modelsOf } from '../../model-scope.ts';
import type { KeyOwnerKind } from '../../tenancy-tables.ts';
import { mayHold } from './holding.ts';
import type { Work } from './note-work.ts';
import { endSessions } from '../sessions/end.ts';
import { revoke, tellChanged } from './revoke.ts';
import { signableText, type StoredKey } from './rows.ts';
import { changeKey, findKey, type KeyEdit } from './service.ts';

/**
 * What a change above means for the keys below: their rows anew, or their end. There may be very many, so they are read in pages, and
 * the work is noted in the transaction of the change that it follows from: a process that dies in between finishes it after its start.
 */

const PAGE = 200;
/** Keys of a page that are worked on together. */
const AT_ONCE = 16;

/** Resolves with the number of keys that were changed, when every process has confirmed each. */
export async function carryOutWork(deps: ControlDeps, id: number): Promise<number> {
  const work = await deps.db.selectFrom('key_work').selectAll().where('id', '=', id).executeTakeFirst();
  if (work === undefined) return 0;
  await endSessions(deps, work);
  const scopes = new ModelScopes(deps.db);
  let changed = 0;
  for (let after = ''; ;) {
    const keys = await keysOf(deps.db, work, after);
    for (let from = 0; from < keys.length; from += AT_ONCE) {
      const done = await Promise.all(keys.slice(from, from + AT_ONCE).map((key) => carryOut(deps, scopes, work, key)));
      changed += done.filter(Boolean).length;
    }
    if (keys.length < PAGE) break;
    after = keys.at(-1)?.id ?? '';
  }
  await deps.db.deleteFrom('key_work').where('id', '=', id).execute();
  return changed;
}

/** What a process that died left behind. */
export async function finishWork(deps: ControlDeps): Promise<void> {
  for (const { id } of await deps.db.selectFrom('key_work').select('id').orderBy('id').execute()) await carryOutWork(deps, id);
}

const COLUMNS = {
  organization: 'organization',
  team: 'team',
  project: 'project',
  user: 'user',
  service_account: 'service_account',
} as const;

/** A page of the keys that are alive below an owner, in the order of their ids. */
export function keysOf(db: Database, { kind, target }: { readonly kind: KeyOwnerKind; readonly target: string }, after: string) {
  const alive = db.selectFrom('keys').selectAll().where('id', '>', after).where('state', '=', sql.lit('active')).orderBy('id').limit(PAGE);
  if (kind !== 'access_group') return alive.where(COLUMNS[kind], '=', target).execute();
  const uses = db.selectFrom('group_uses').select('id').where('access_group', '=', target).where('kind', '=', 'key');
  return alive.where('id', 'in', uses.where('id', '>', after).orderBy('id').limit(PAGE)).execute();
}

/** True where something was to be done. Somebody may change the same key meanwhile; then it is read again. */
async function carryOut(deps: ControlDeps, scopes: ModelScopes, work: Work, key: StoredKey): Promise<boolean> {
  for (let current = key; ; current = await findKey(deps.db, key.id)) {
    if (current.state === 'revoked') return false;
    try {
      if (work.act === 'recheck') return (await mayHold(deps.db, current)) ? false : await end(deps, work, current);
      return work.act === 'revoke' ? await end(deps, work, current) : await anew(deps, scopes, work, current);
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      // A row that somebody edited is not made true, and not left to whoever edited it either.
      if (error.code === 'row_edited') return end(deps, work, current);
      if (error.code !== 'changed_meanwhile') throw error;
    }
  }
}

async function end(deps: ControlDeps, { kind, target }: Work, key: StoredKey): Promise<boolean> {
  const permit = await deps.authority.permit(CONTROL, 'key.end', `key/${key.id}`, { name: key.name, because_of: `${kind}/${target}` });
  await revoke(deps, permit, key);
  return true;
}

async function anew(deps: ControlDeps, scopes: ModelScopes, { act, kind, target }: Work, key: StoredKey): Promise<boolean> {
  const edit: KeyEdit = act === 'block' ? { blocked: 1 } : act === 'cut' ? await cutModels(scopes, key) : {};
  const next = { ...key, ...edit };
  if (signableText(next, await scopes.ofKey(next)) === key.signed_text) return false;
  const permit = await deps.authority.permit(CONTROL, 'key.resign', `key/${key.id}`, { name: key.name, because_of: `${kind}/${target}` });
  await tellChanged(deps, await changeKey(deps, permit, key, edit));
  return true;
}

/** The wish itself is cut, so that it does not come back with the next change above. */
async function cutModels(scopes: ModelScopes, key: StoredKey): Promise<KeyEdit> {
  const own = modelsOf(key.models);
  if (own === undefined) return {};
  const left = meet(await scopes.of(key), own, await scopes.groups());
  return { models: modelsJson((await scopes.fits(own, key)) ? own : left) };
}
