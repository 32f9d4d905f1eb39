import type { Selectable } from 'kysely';
import type { KeyDigest } from '../../../core/ids.ts';
import { CONTROL } from '../../acts.ts';
import type { ControlDeps } from '../../deps.ts';
import { isComplete, markInVaults, tellEverywhere, tellWorkers } from '../../revocation.ts';
import type { SessionsTable } from '../../session-tables.ts';
import type { KeyWorkTable } from '../../tenancy-tables.ts';
import { revocationDeps } from '../keys/revoke.ts';
import { mayWork } from './place.ts';

/** The end of sessions before their time: at once in vaults and workers, like that of a key. */

export type Session = Selectable<SessionsTable>;

/** A login that nobody renewed is forgotten after this time; until then its key may be renewed. */
const LOGIN_KEPT_MS = 86_400_000;
const AT_ONCE = 16;

const OWNERS = { organization: 'organization', team: 'team', user: 'user' } as const;

/** What a change above means for the sessions below. Whoever still may is given a new row with the next question. */
export async function endSessions(deps: ControlDeps, { act, kind, target }: Pick<KeyWorkTable, 'act' | 'kind' | 'target'>): Promise<void> {
  // Others are above no session. An access group may be used in any model list, so that all rows are made anew.
  if (kind === 'project' || kind === 'service_account') return;
  const all = deps.db.selectFrom('sessions').selectAll();
  const below = await (kind === 'access_group' ? all : all.where(OWNERS[kind], '=', target)).execute();
  const over = act === 'revoke' || act === 'block' ? below : act === 'recheck' ? await unentitled(deps, below) : [];
  if (over.length > 0) await end(deps, over, `${kind}/${target}`);
  if (act === 'resign' || act === 'cut') await renew(deps, below);
}

async function unentitled({ db }: ControlDeps, sessions: readonly Session[]): Promise<readonly Session[]> {
  const checked = sessions.map(async (session) => ((await mayWork(db, session.user, session)) ? [] : [session]));
  return (await Promise.all(checked)).flat();
}

/** Resolves when every process was told; who did not confirm is told again by `tidySessions`. */
export async function end(deps: ControlDeps, sessions: readonly Session[], reason: string): Promise<void> {
  for (const session of sessions) {
    await deps.authority.permit(CONTROL, 'session.end', `session/${session.digest}`, { user: session.user, because_of: reason });
    await deps.db.updateTable('sessions').set({ ended: 1 }).where('digest', '=', session.digest).execute();
  }
  await inParts(sessions, async ({ digest }) => {
    if (isComplete(await tellEverywhere(revocationDeps(deps), 'revoke', digest as KeyDigest))) await forget(deps, digest);
  });
}

/** The rows of before are not given out again, and workers ask for new ones. */
async function renew(deps: ControlDeps, sessions: readonly Session[]): Promise<void> {
  await inParts(sessions, async ({ digest }) => {
    await deps.db.updateTable('sessions').set({ stale: 1 }).where('digest', '=', digest).execute();
    await tellWorkers(revocationDeps(deps), digest as KeyDigest, 'key.changed');
  });
}

const forget = ({ db }: Pick<ControlDeps, 'db'>, digest: string): Promise<unknown> =>
  db.deleteFrom('sessions').where('digest', '=', digest).execute();

async function inParts(sessions: readonly Session[], act: (session: Session) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < sessions.length; from += AT_ONCE) await Promise.all(sessions.slice(from, from + AT_ONCE).map(act));
}

/** Done every few seconds: forgets what is over, ends what lost its issuer, and tells again who did not confirm an end. */
export async function tidySessions(deps: ControlDeps): Promise<void> {
  const { db, clock, issuers } = deps;
  const now = clock.now();
  await db
    .deleteFrom('sessions')
    .where('ended', '=', 0)
    .where((where) =>
      where.or([where.and([where('kind', '=', 'token'), where('expires_at', '<=', now)]), where('expires_at', '<=', now - LOGIN_KEPT_MS)]),
    )
    .execute();
  if (deps.config.current !== undefined) {
    const known = issuers.configs.map(({ url }) => url);
    const foreign = await db
      .selectFrom('sessions')
      .selectAll()
      .where('ended', '=', 0)
      .where('issuer', 'not in', [...known, ''])
      .execute();
    if (foreign.length > 0) await end(deps, foreign, 'issuer/removed');
  }
  for (const { digest } of await db.selectFrom('sessions').select('digest').where('ended', '=', 1).limit(1000).execute()) {
    const inVaults = await markInVaults(revocationDeps(deps), 'revoke', digest as KeyDigest);
    const inWorkers = isComplete(await tellWorkers(revocationDeps(deps), digest as KeyDigest, 'key.revoked'));
    if (inVaults && inWorkers) await forget(deps, digest);
  }
}
