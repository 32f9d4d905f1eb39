import type { IncomingHttpHeaders } from 'node:http';
import type { KeyRow } from '../access/principal.ts';
import type { RoleGrant } from '../access/permissions.ts';
import { digestKey, isPersonalToken, isWellFormed } from '../access/virtual-key.ts';
import type { Clock } from '../core/clock.ts';
import { addressSet } from '../http/client-address.ts';
import { OPERATOR, type Known } from './caller.ts';
import type { Database } from './database.ts';
import type { AdminToken } from './http/border.ts';
import type { LoginToken } from './login-token.ts';
import { findByDigest } from './resources/keys/service.ts';
import { signedOf, agreesWithSigned, stateOf, type StoredKey } from './resources/keys/rows.ts';
import { findLiveToken } from './resources/users/tokens.ts';
import { grantsOf } from './resources/users/service.ts';
import type { RowSeals } from './row-seals.ts';

export interface IdentityDeps {
  readonly db: Database;
  readonly seals: RowSeals;
  readonly clock: Clock;
  readonly token: AdminToken;
  /** The person behind a token of an issuer. */
  readonly behind: (text: string) => Promise<LoginToken | undefined>;
}

/**
 * Who presents a token to the control port: the node's own, a person's (`bhu_…`), a token of an issuer, or a virtual key of the kind
 * `admin` or `read`.
 * Undefined: nobody; whatever is wrong with it, the answer is the same. Looked up for every request, so that what is revoked,
 * blocked or taken away is so at once.
 */
export async function identify(deps: IdentityDeps, headers: IncomingHttpHeaders, address: string): Promise<Known | undefined> {
  if (deps.token.isPresentedIn(headers)) return OPERATOR;
  const signed = /^bearer +([\w-]{1,1024}\.[\w-]{1,8192}\.[\w-]{1,2048})$/i.exec(headers.authorization ?? '')?.[1];
  if (signed !== undefined) return personOfIssuer(deps, signed);
  const text = /^bearer +(\S{1,256})$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  if (isPersonalToken(text)) return person(deps, text);
  return isWellFormed(text) ? key(deps, text, address) : undefined;
}

async function person({ db, seals, clock }: IdentityDeps, text: string): Promise<Known | undefined> {
  const token = await findLiveToken(db, seals, text, clock.now());
  if (token === undefined || !(await isActive(db, token.user))) return undefined;
  const { user } = token;
  return { actor: { kind: 'user', id: `user:${user}` }, identity: { user, grants: await grantsOf(db, user) } };
}

/** With the roles that the person has here, whatever the token says of roles beyond those. */
async function personOfIssuer({ db, behind }: IdentityDeps, text: string): Promise<Known | undefined> {
  const token = await behind(text);
  if (token === undefined) return undefined;
  const { id: user } = token.person.user;
  return { actor: { kind: 'user', id: `user:${user}` }, identity: { user, grants: await grantsOf(db, user) }, token };
}

/** A key acts for its team and for nothing else, whoever it belongs to. */
async function key({ db, seals, clock }: IdentityDeps, text: string, address: string): Promise<Known | undefined> {
  const stored = await findByDigest(db, digestKey(text));
  if (stored === undefined || stored.kind === 'llm' || stateOf(stored, clock.now()) !== 'active') return undefined;
  if (!(await seals.holdsKey(signedOf(stored))) || !agreesWithSigned(stored)) {
    seals.report('key', stored.id);
    return undefined;
  }
  const { addresses } = JSON.parse(stored.signed_text) as KeyRow;
  if (addresses !== undefined && !addressSet(addresses, 'addresses').has(address)) return undefined;
  if (stored.user !== null && !(await isActive(db, stored.user))) return undefined;
  return { actor: { kind: 'key', id: `key:${stored.id}` }, identity: { user: null, grants: [grantOfKey(stored)] } };
}

const grantOfKey = ({ kind, organization, team }: StoredKey): RoleGrant => ({
  role: kind === 'admin' ? 'team_admin' : 'viewer',
  organization,
  team,
});

async function isActive(db: Database, user: string): Promise<boolean> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', user).executeTakeFirst();
  return row?.state === 'active' && row.removed_at === null;
}
