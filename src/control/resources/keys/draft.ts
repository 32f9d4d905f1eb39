import { may } from '../../../access/permissions.ts';
import type { KeyChange, KeyCreate } from '../../../api/keys.ts';
import { ENDPOINT_IDS } from '../../../endpoints/registry.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newKeyId } from '../../../core/ids.ts';
import type { Caller } from '../../caller.ts';
import type { Database } from '../../database.ts';
import { modelsJson, ModelScopes, refuseBeyond } from '../../model-scope.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import { findProject, findServiceAccount } from '../projects/service.ts';
import { findUser, grantsOf } from '../users/service.ts';
import { mayEmpower, worksIn, type KeyPower } from './holding.ts';
import type { StoredKey } from './rows.ts';
import type { KeyDraft, KeyEdit } from './service.ts';

/** A key that was asked for, its names resolved and held against what its owners may use, and how many such keys its member may have. */
export interface Drafted {
  readonly draft: KeyDraft;
  /** Null: whoever asks may make any number. */
  readonly atMost: number | null;
}

/** Undefined `by`: the node itself, for its starter key. Throws resource_missing, invalid_field, exceeds_parent or permission_denied. */
export async function draftKey(db: Database, input: KeyCreate, now: number, by?: Caller): Promise<Drafted> {
  const { id: organization } = await findOrganization(db, input.organization);
  const team = await findTeam(db, organization, input.team);
  const within = { organization, team: team.id };
  const project = input.project === undefined ? null : (await findProject(db, within, input.project)).id;
  const service_account = input.service_account === undefined ? null : (await findServiceAccount(db, within, input.service_account)).id;
  const user = input.user === undefined ? (by?.scope.user ?? null) : (await findUser(db, input.user)).id;
  const selfService = by !== undefined && !may(by.identity, 'key.write', within);
  if (by !== undefined) refuseMorePower(by, { kind: input.kind, ...within });
  // In the words for somebody whom nobody knows: who works elsewhere is not for this team’s administrators to find out.
  if (user !== null && !worksIn({ user, grants: await grantsOf(db, user) }, within))
    throw new BulkheadError('resource_missing', { resource: 'user', id: input.user ?? user });
  if (user !== null && (await findUser(db, user)).state === 'blocked')
    throw new BulkheadError('invalid_field', { field: 'user', reason: 'this person is blocked' });
  const place = { organization, team: team.id, project };
  const scopes = new ModelScopes(db);
  await refuseBeyond(scopes, input.models, await scopes.of(place), project === null ? `team ${team.name}` : 'the project');
  refuseUnknownEndpoints(input.endpoints);
  const draft: KeyDraft = {
    id: newKeyId(now),
    name: input.name,
    ...place,
    user,
    service_account,
    kind: input.kind,
    environment: input.environment,
    expires_at: expiryOf(input, now),
    models: modelsJson(input.models),
    max_parallel: input.max_parallel ?? null,
    endpoints: jsonOf(input.endpoints),
    addresses: jsonOf(input.addresses),
    metadata: jsonOf(input.metadata),
    rules: null,
    lineage: null,
  };
  return { draft, atMost: selfService ? team.keys_per_member : null };
}

function refuseMorePower({ identity }: Caller, power: KeyPower): void {
  if (!mayEmpower(identity, power)) throw new BulkheadError('permission_denied', { act: `make a key of the kind ${power.kind}` });
}

/** What changes of a key, held against what its owners may use. Absent fields stay as they are. */
export async function draftEdit(db: Database, key: StoredKey, change: KeyChange, now: number): Promise<KeyEdit> {
  const { name, expires_at, models, max_parallel, endpoints, addresses, metadata } = change;
  const scopes = new ModelScopes(db);
  if (models !== undefined && models !== null)
    await refuseBeyond(scopes, models, await scopes.of(key), `the team or project of key ${key.name}`);
  refuseUnknownEndpoints(endpoints);
  return {
    ...(name !== undefined && { name }),
    ...(expires_at !== undefined && { expires_at: expires_at === null ? null : momentOf(expires_at, now) }),
    ...(models !== undefined && { models: modelsJson(models) }),
    ...(max_parallel !== undefined && { max_parallel }),
    ...(endpoints !== undefined && { endpoints: jsonOf(endpoints) }),
    ...(addresses !== undefined && { addresses: jsonOf(addresses) }),
    ...(metadata !== undefined && { metadata: jsonOf(metadata) }),
  };
}

const jsonOf = (value: object | null | undefined): string | null => (value === undefined || value === null ? null : JSON.stringify(value));

function expiryOf({ expires_at, expires_in_seconds }: KeyCreate, now: number): number | null {
  if (expires_in_seconds !== undefined) return now + expires_in_seconds * 1000;
  return expires_at === undefined ? null : momentOf(expires_at, now);
}

function momentOf(text: string, now: number): number {
  const moment = Date.parse(text);
  if (moment <= now) throw new BulkheadError('invalid_field', { field: 'expires_at', reason: 'it is in the past' });
  return moment;
}

/** A misspelt endpoint would be a key that can do nothing, or so it seems until somebody adds an endpoint of that name. */
function refuseUnknownEndpoints(endpoints: readonly string[] | null | undefined): void {
  const unknown = (endpoints ?? []).find((id) => !ENDPOINT_IDS.includes(id));
  if (unknown !== undefined) throw new BulkheadError('invalid_field', { field: 'endpoints', reason: `there is no endpoint ${unknown}` });
}
