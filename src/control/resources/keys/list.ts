import { sql } from 'kysely';
import type { Identity, Visible, VisiblePlace } from '../../../access/permissions.ts';
import { visible } from '../../../access/permissions.ts';
import type { KeyListQuery } from '../../../api/keys.ts';
import type { Database } from '../../database.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import { findProject, findServiceAccount } from '../projects/service.ts';
import { userId } from '../users/service.ts';
import type { StoredKey } from './rows.ts';

export interface KeyPage {
  readonly keys: readonly StoredKey[];
  /** Id of the last one; null: there are no more. */
  readonly next: string | null;
}

/** Names in the query as ids. */
interface Wanted extends Pick<KeyListQuery, 'state' | 'q' | 'limit' | 'after'> {
  readonly organization?: string | undefined;
  readonly team?: string | undefined;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly service_account?: string | undefined;
}

/** One page, newest first, or by name where a beginning of it is asked for. Reads no more rows than it looks at. */
export async function listKeys(db: Database, query: KeyListQuery, identity: Identity, now: number): Promise<KeyPage> {
  const wanted = await resolveNames(db, query);
  const seen: Visible = visible(identity, 'key.read');
  const places: readonly (VisiblePlace | undefined)[] = seen === 'all' ? [undefined] : seen;
  // Each place is read off its own index; one query over all of them would have to sort what they hold together.
  const pages = await Promise.all(places.map((place) => pageQuery(db, wanted, place, identity, now).execute()));
  const unique = [...new Map(pages.flat().map((key) => [key.id, key])).values()].sort(query.q === undefined ? newestFirst : byName);
  const keys = unique.slice(0, query.limit);
  return { keys, next: unique.length > query.limit ? (keys.at(-1)?.id ?? null) : null };
}

const newestFirst = (one: StoredKey, other: StoredKey): number => (one.id < other.id ? 1 : -1);
const byName = (one: StoredKey, other: StoredKey): number =>
  one.name === other.name ? (one.id < other.id ? -1 : 1) : one.name < other.name ? -1 : 1;

async function resolveNames(db: Database, query: KeyListQuery): Promise<Wanted> {
  const { state, q, limit, after } = query;
  const named = query.organization === undefined ? undefined : (await findOrganization(db, query.organization)).id;
  const home = async (): Promise<string> => named ?? (await findOrganization(db)).id;
  // Without an organization a team is meant by its id, as ever.
  const team = query.team === undefined ? undefined : named === undefined ? query.team : (await findTeam(db, named, query.team)).id;
  const within = async () => ({ organization: await home(), ...(team !== undefined && { team }) });
  return {
    state,
    limit,
    ...(q !== undefined && { q }),
    ...(after !== undefined && { after }),
    ...(named !== undefined && { organization: named }),
    ...(team !== undefined && { team }),
    ...(query.project !== undefined && { project: (await findProject(db, await within(), query.project)).id }),
    ...(query.service_account !== undefined && {
      service_account: (await findServiceAccount(db, await within(), query.service_account)).id,
    }),
    ...(query.user !== undefined && { user: await userId(db, query.user) }),
  };
}

/** Ends with one row more than the page, which says whether there is another. */
export function pageQuery(db: Database, wanted: Wanted, place: VisiblePlace | undefined, identity: Identity, now: number) {
  const { organization, team, project, service_account, user, q, after } = wanted;
  let select = db
    .selectFrom('keys')
    .selectAll()
    .limit(wanted.limit + 1);
  for (const [column, value] of Object.entries({ organization, team, project, service_account, user }) as [Filtered, string | undefined][])
    if (value !== undefined) select = select.where(column, '=', value);
  if (place !== undefined) {
    select = select.where('organization', '=', place.organization);
    if (place.team !== undefined) select = select.where('team', '=', place.team);
    if (place.own === true) select = select.where('user', '=', identity.user ?? '');
  }
  select = inState(select, wanted.state, now);
  if (q === undefined) {
    if (after !== undefined) select = select.where('id', '<', after);
    return select.orderBy('id', 'desc');
  }
  select = select.where('name', '>=', q).where('name', '<', `${q}\u{10ffff}`);
  if (after !== undefined) {
    const last = db.selectFrom('keys').select('name').where('id', '=', after);
    select = select.where((where) => where(where.refTuple('name', 'id'), '>', where.tuple(last, after)));
  }
  return select.orderBy('name').orderBy('id');
}

type Filtered = 'organization' | 'team' | 'project' | 'service_account' | 'user';
type Select = ReturnType<typeof allKeys>;
const allKeys = (db: Database) => db.selectFrom('keys').selectAll();

/** The states are written out, not bound, so that SQLite sees which index holds just them. */
function inState(select: Select, state: KeyListQuery['state'], now: number): Select {
  if (state === 'all') return select;
  if (state === 'revoked') return select.where('state', '=', sql.lit('revoked'));
  const live = select.where('state', '=', sql.lit('active'));
  if (state === 'expired') return live.where('expires_at', '<=', now);
  return live
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .where('blocked', '=', state === 'blocked' ? 1 : 0);
}
