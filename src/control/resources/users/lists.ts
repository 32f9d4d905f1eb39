import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely';
import type { Identity, Visible } from '../../../access/permissions.ts';
import type { z } from 'zod';
import type { memberListQuery, userListQuery } from '../../../api/people.ts';
import type { Database, Schema } from '../../database.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import { userId, type MembershipRow, type UserRow } from './service.ts';

/** Pages of people and their roles, of those that the identity may see. */

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

function pageOf<Row extends { readonly id: string }>(rows: readonly Row[], limit: number): Page<Row> {
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}

export async function listUsers(
  db: Database,
  { organization, q, limit, after = '' }: z.output<typeof userListQuery>,
  identity: Identity,
  seen: Visible,
): Promise<Page<UserRow>> {
  // As they stand: a list decides nothing, and one that somebody edited must not hide those behind it.
  let select = db
    .withoutPlugins()
    .selectFrom('users')
    .selectAll()
    .where('removed_at', 'is', null)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit + 1);
  if (organization !== undefined) select = select.where('organization', '=', (await findOrganization(db, organization)).id);
  if (q !== undefined) select = select.where('email', '>=', q.toLowerCase()).where('email', '<', `${q.toLowerCase()}\u{10ffff}`);
  if (seen !== 'all') {
    const homes = seen.flatMap((place) => (place.team === undefined ? [place.organization] : []));
    select = select.where((where) => where.or([where('organization', 'in', homes), where('id', '=', identity.user ?? '')]));
  }
  return pageOf(await select.execute(), limit);
}

export async function listMembers(
  db: Database,
  { organization, team, user, limit, after = '' }: z.output<typeof memberListQuery>,
  identity: Identity,
  seen: Visible,
): Promise<Page<MembershipRow & { readonly email: string }>> {
  let select = db
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.user')
    .selectAll('memberships')
    .select('users.email')
    .where('memberships.id', '>', after)
    .orderBy('memberships.id')
    .limit(limit + 1);
  if (organization !== undefined || team !== undefined) {
    const home = (await findOrganization(db, organization)).id;
    select = select.where('memberships.organization', '=', home);
    if (team !== undefined) select = select.where('memberships.team', '=', (await findTeam(db, home, team)).id);
  }
  if (user !== undefined) select = select.where('memberships.user', '=', await userId(db, user));
  if (seen !== 'all')
    select = select.where((where) => where.or([where('memberships.user', '=', identity.user ?? ''), ...inPlaces(where, seen)]));
  return pageOf(await select.execute(), limit);
}

type Where = ExpressionBuilder<Schema, 'memberships' | 'users'>;

const inPlaces = (where: Where, seen: Exclude<Visible, 'all'>): readonly ExpressionWrapper<Schema, 'memberships' | 'users', SqlBool>[] =>
  seen.map(({ organization, team }) =>
    where.and([
      where('memberships.organization', '=', organization),
      ...(team === undefined ? [] : [where('memberships.team', '=', team)]),
    ]),
  );
