import { may, PERMISSIONS, type Identity, type Permission, type Scope } from '../access/permissions.ts';
import type { Operation, ScopeSource } from '../api/operation.ts';
import type { OwnerInput } from '../api/rules.ts';
import { BulkheadError } from '../core/errors.ts';
import type { Caller, Known } from './caller.ts';
import { DEFAULT_NAME, type Database } from './database.ts';
import type { ControlDeps } from './deps.ts';
import { findOrganization } from './resources/organizations/service.ts';
import { scopeFor, type Question } from './scopes.ts';

export interface Authorizer {
  /** Before anything of the request is looked at: whether the identity has the permission anywhere at all. */
  admit(known: Known, name: string, operation: Operation): Promise<Permission>;
  /** For the very place that is asked about. */
  authorize(known: Known, name: string, operation: Operation, asked: Question): Promise<Caller>;
}

/** What only takes power away, or keeps somebody at work who is so already: allowed whatever the tables look like. */
const ALWAYS: ReadonlySet<string> = new Set(['keys.revoke', 'keys.block', 'tokens.revoke', 'login.key', 'login.end']);

export function authorizer({ db, authority, rows }: Pick<ControlDeps, 'db' | 'authority' | 'rows'>): Authorizer {
  const refuse = ({ actor }: Known, name: string, { method }: Operation, target: string): Promise<never> => {
    if (method !== 'GET') return authority.deny(actor, name, target);
    return Promise.reject(new BulkheadError('permission_denied', { act: name }));
  };
  return {
    admit: async (known, name, operation) => {
      const { permission } = operation;
      if (permission !== null && may(known.identity, permission, { anywhere: true })) return permission;
      return refuse(known, name, operation, 'anything');
    },
    authorize: async (known, name, operation, asked) => {
      const { permission, scope: source } = operation;
      if (permission === null) throw new BulkheadError('permission_denied', { act: name });
      await hideForeign(db, known.identity, source, asked);
      const scope = await scopeFor(source, db, asked, known.identity, permission);
      if (may(known.identity, permission, scope)) {
        if (operation.method !== 'GET' && !ALWAYS.has(name) && known.actor.kind !== 'admin') await refuseDoubted(rows);
        return { ...known.actor, identity: known.identity, permission, scope, ...(known.token !== undefined && { token: known.token }) };
      }
      // What an identity may not see does not exist for it: the answer is the one for an id that was never given.
      // A rule is read where its owner lies, and written from above.
      const shown = source === 'rule' ? await scopeFor(source, db, asked, known.identity, reading(permission)) : scope;
      if (!isSeen(known.identity, permission, shown, source)) throw missing(source, asked);
      return refuse(known, name, operation, target(source, asked));
    },
  };
}

/**
 * A row that is missing, or there again, may be what gave or took the right to ask. Until the operator looked, nobody else changes anything.
 * Throws rows_differ.
 */
async function refuseDoubted(rows: ControlDeps['rows']): Promise<void> {
  const tables = await rows.doubted();
  if (tables.length > 0) throw new BulkheadError('rows_differ', { tables: tables.join(', ') });
}

/**
 * An organization that is named and not the identity’s own is missing, before anything is looked for in it: else the answer about a team
 * in it would say that there is such an organization, and which teams it has. Throws resource_missing.
 */
async function hideForeign(db: Database, identity: Identity, source: ScopeSource, asked: Question): Promise<void> {
  const reference = organizationNamed(source, asked);
  if (reference === undefined) return;
  const found = await findOrganization(db, reference);
  if (!may(identity, 'organization.read', { organization: found.id }))
    throw new BulkheadError('resource_missing', { resource: 'organization', id: reference });
}

const IN_DEFAULT: ReadonlySet<ScopeSource> = new Set(['organization-named', 'team-named'] as const);
/** Owners that are looked for by an id of their own, in no organization. */
const FREE_OWNERS = ['organization', 'key', 'user', 'model'];

/** Undefined: the operation is not about one that is named. */
function organizationNamed(source: ScopeSource, { body, query }: Question): string | undefined {
  const owner = (body as { readonly owner?: OwnerInput }).owner;
  if (source === 'owner-named' && owner !== undefined)
    return FREE_OWNERS.includes(owner.kind) ? undefined : (owner.organization ?? DEFAULT_NAME);
  if (!source.endsWith('-named') && source !== 'visible') return undefined;
  const { organization } = { ...(query as object), ...(body as object) } as { readonly organization?: string };
  return organization ?? (IN_DEFAULT.has(source) ? DEFAULT_NAME : undefined);
}

/** Whether the identity may know that there is something. The node itself, and an organization that is its own, nobody denies. */
function isSeen(identity: Identity, permission: Permission, scope: Scope, source: ScopeSource): boolean {
  if (source === 'platform' || source === 'visible' || Object.keys(scope).length === 0) return true;
  if (may(identity, reading(permission), scope)) return true;
  const isPlace = source.endsWith('-named') && scope.user === undefined && scope.organization !== undefined;
  return isPlace && may(identity, scope.team === undefined ? 'organization.read' : 'team.read', scope);
}

/** `key.write` → `key.read`. A permission without one of its own is its own. */
function reading(permission: Permission): Permission {
  const read = permission.replace(/\.\w+$/, '.read');
  return read in PERMISSIONS ? (read as Permission) : permission;
}

const target = (source: ScopeSource, { id }: Question): string => (id === '' ? source : `${source}/${id.slice(0, 128)}`);

/** The same words as where there is no such row; a reference in a body or query is missing under its own name. */
function missing(source: ScopeSource, { id, body, query }: Question): BulkheadError {
  if (!source.endsWith('-named')) return new BulkheadError('resource_missing', { resource: source.replace('-', ' '), id });
  const named = { ...(query as Record<string, unknown>), ...(body as Record<string, unknown>) };
  const owner = named['owner'] as OwnerInput | undefined;
  if (owner !== undefined) return new BulkheadError('resource_missing', { resource: owner.kind, id: owner.id ?? '' });
  const resource = ['user', 'team', 'organization'].find((field) => typeof named[field] === 'string') ?? 'team';
  const reference = named[resource];
  return new BulkheadError('resource_missing', { resource, id: typeof reference === 'string' ? reference : DEFAULT_NAME });
}
