import { may, type Identity, type Permission, type Scope } from '../access/permissions.ts';
import type { ScopeSource } from '../api/operation.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { EVERYONE } from '../core/owner.ts';
import { BulkheadError } from '../core/errors.ts';
import type { OwnerInput } from '../api/rules.ts';
import type { Database } from './database.ts';
import type { OwnerColumns } from './limit-tables.ts';
import { findOwner } from './owners.ts';
import { findKey } from './resources/keys/service.ts';
import { findOrganization, findTeam, teamById } from './resources/organizations/service.ts';
import { findProject, findServiceAccount } from './resources/projects/service.ts';
import { findMembership, findUser, userId } from './resources/users/service.ts';
import { findToken } from './resources/users/tokens.ts';

/** What was asked, after the operation's schemas took it. */
export interface Question {
  readonly id: string;
  readonly query: unknown;
  readonly body: unknown;
}

type Find = (db: Database, asked: Question, identity: Identity, permission: Permission) => Promise<Scope>;

const text = (value: unknown, name: string): string | undefined => {
  const field = isJsonObject(value as Json) ? (value as Record<string, unknown>)[name] : undefined;
  return typeof field === 'string' ? field : undefined;
};

/** Each way in which an operation says what place it is about. Throws resource_missing for what is not there. */
const FINDERS: Readonly<Record<ScopeSource, Find>> = {
  platform: () => Promise.resolve({}),
  visible: () => Promise.resolve({ anywhere: true }),
  organization: async (db, { id }) => ({ organization: (await findOrganization(db, id)).id }),
  team: async (db, { id }) => placeOf(await teamById(db, id), id),
  project: async (db, { id }) => placeOf(await findProject(db, undefined, id)),
  'service-account': async (db, { id }) => placeOf(await findServiceAccount(db, undefined, id)),
  key: async (db, { id }) => {
    const { organization, team, user } = await findKey(db, id);
    return { organization, team, ...(user !== null && { user }) };
  },
  user: async (db, { id }) => personal(await findUser(db, id)),
  member: async (db, { id }) => {
    const { organization, team, user } = await findMembership(db, id);
    return { ...(organization !== null && { organization }), ...(team !== null && { team }), user };
  },
  token: async (db, { id }) => personal(await findUser(db, (await findToken(db, id)).user)),
  'organization-named': async (db, { body }) => ({ organization: (await findOrganization(db, text(body, 'organization'))).id }),
  'team-named': (db, { body }, identity, permission) => newInTeam(db, body, identity, permission),
  // Who may it everywhere need not name a place that is there: usage outlives what was removed.
  'place-named': async (db, { body, query }, identity, permission) =>
    may(identity, permission, {}) ? {} : placeNamed(db, { ...(body as object), ...(query as object) }),
  'user-named': async (db, { body, query }, identity) => {
    const reference = text(body, 'user') ?? text(query, 'user') ?? identity.user;
    if (reference === null)
      throw new BulkheadError('invalid_field', { field: 'user', reason: 'name a person: this token belongs to none' });
    return personal(await findUser(db, reference));
  },
  'owner-named': async (db, { body }, _, permission) => ownerScope(await findOwner(db, (body as { owner: OwnerInput }).owner), permission),
  rule: async (db, { id }, _, permission) => ownerScope(await ruleOwner(db, id), permission),
};

export const scopeFor = (source: ScopeSource, db: Database, asked: Question, identity: Identity, permission: Permission): Promise<Scope> =>
  FINDERS[source](db, asked, identity, permission);

const placeOf = ({ organization, ...row }: { readonly organization: string; readonly team?: string }, team = row.team): Scope => ({
  organization,
  team,
});

const personal = ({ id, organization }: { readonly id: string; readonly organization: string | null }): Scope => ({
  user: id,
  ...(organization !== null && { organization }),
});

/** A member who names nobody makes what is their own. */
async function newInTeam(db: Database, body: unknown, identity: Identity, permission: Permission): Promise<Scope> {
  const organization = (await findOrganization(db, text(body, 'organization'))).id;
  const place = { organization, team: (await findTeam(db, organization, text(body, 'team'))).id };
  if (text(body, 'service_account') !== undefined) return place;
  const named = text(body, 'user');
  if (named !== undefined) return { ...place, user: (await userId(db, named)) || named };
  return identity.user === null || may(identity, permission, place) ? place : { ...place, user: identity.user };
}

/** The narrowest place that is named; the whole node where none is. */
async function placeNamed(db: Database, named: object): Promise<Scope> {
  const [organization, team] = [text(named, 'organization'), text(named, 'team')];
  if (organization === undefined && team === undefined) return {};
  const home = (await findOrganization(db, organization)).id;
  if (team === undefined) return { organization: home };
  if (organization !== undefined) return { organization: home, team: (await findTeam(db, home, team)).id };
  const found = await teamById(db, team).catch(() => findTeam(db, home, team));
  return { organization: found.organization, team: found.id };
}

/** A rule is read where its owner lies. It is written from above: who is limited does not say by how much. */
function ownerScope({ owner_kind, owner_id, organization, team, user }: OwnerColumns, permission: Permission): Scope {
  const isEveryone = owner_kind === EVERYONE.kind && owner_id === EVERYONE.id;
  if (isEveryone) return {};
  const own = { organization, ...(team !== null && { team }), ...(user !== null && { user }) };
  if (permission.endsWith('.read') || permission === 'budget.ask') return own;
  if (owner_kind === 'organization') return {};
  return owner_kind === 'project' || owner_kind === 'key' ? own : { organization };
}

async function ruleOwner(db: Database, id: string): Promise<OwnerColumns> {
  // A share takes from everyone who is held to its limit, so that the limit's owner is the one that counts.
  const share = await db.selectFrom('shares').select('limit_id').where('id', '=', id).executeTakeFirst();
  for (const table of ['limits', 'budgets', 'budget_requests'] as const) {
    const row = await db
      .selectFrom(table)
      .select(['owner_kind', 'owner_id', 'organization', 'team', 'project', 'user'])
      .where('id', '=', share?.limit_id ?? id)
      .executeTakeFirst();
    if (row !== undefined) return row;
  }
  throw new BulkheadError('resource_missing', { resource: id.startsWith('ask_') ? 'request' : 'rule', id });
}
