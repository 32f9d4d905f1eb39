/** Who may do what on the control plane. Pure: an identity, a permission and where it is asked for give yes or no; whatever is not in the table is no. */

export const ROLES = ['platform_admin', 'platform_viewer', 'org_admin', 'team_admin', 'member', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** A role at one place. Both null: the whole node; `team` null: the organization and, but for `member`, all its teams. */
export interface RoleGrant {
  readonly role: Role;
  readonly organization: string | null;
  readonly team: string | null;
}

export interface Identity {
  /** The member behind it; null: the node's own token, or a key that belongs to no person. */
  readonly user: string | null;
  readonly grants: readonly RoleGrant[];
}

/** Where something lies. `user`: whose it is, where it is one person's. `anywhere`: a list, which shows what the identity may see and no more. */
export interface Scope {
  readonly organization?: string | undefined;
  readonly team?: string | undefined;
  readonly user?: string | undefined;
  readonly anywhere?: true | undefined;
}

interface Rule {
  /** Roles that have it within the place they were granted for. */
  readonly roles: readonly Role[];
  /** Roles that have it for what is their own; `anyone`: a person needs no role for it. */
  readonly own?: readonly Role[] | 'anyone';
  /** Any role below an organization has it for the organization itself: who works there may read its name. */
  readonly upward?: true;
}

const NODE: readonly Role[] = ['platform_admin'];
const NODE_READ: readonly Role[] = [...NODE, 'platform_viewer'];
const ORGANIZATION: readonly Role[] = [...NODE, 'org_admin'];
const TEAM: readonly Role[] = [...ORGANIZATION, 'team_admin'];

export const PERMISSIONS = {
  /** Providers, credentials, policy, log, state of the node. */
  'platform.read': { roles: NODE_READ },
  'platform.write': { roles: NODE },
  /** Names of models, access groups and endpoints: what everyone needs who writes a key. */
  'catalogue.read': { roles: ROLES },
  'organization.read': { roles: ROLES, upward: true },
  'organization.write': { roles: NODE },
  'team.read': { roles: ROLES },
  /** What a team may have is for the organization to say, not for the team. */
  'team.write': { roles: ORGANIZATION },
  'project.read': { roles: ROLES },
  'project.write': { roles: TEAM },
  'user.read': { roles: [...ORGANIZATION, 'platform_viewer'], own: 'anyone' },
  'user.write': { roles: ORGANIZATION },
  'member.read': { roles: [...TEAM, 'platform_viewer', 'viewer'], own: 'anyone' },
  'member.write': { roles: TEAM },
  'service-account.read': { roles: ROLES },
  'service-account.write': { roles: TEAM },
  'access-group.write': { roles: NODE },
  'token.read': { roles: [...ORGANIZATION, 'platform_viewer'], own: 'anyone' },
  'token.write': { roles: ORGANIZATION, own: 'anyone' },
  'key.read': { roles: [...TEAM, 'platform_viewer', 'viewer'], own: ['member'] },
  'key.write': { roles: TEAM, own: ['member'] },
  /** What holds a person themself they may know, and ask for more of: it is nobody's below them, and lies in no team. */
  'limit.read': { roles: ROLES, own: 'anyone' },
  'limit.write': { roles: TEAM },
  'budget.read': { roles: ROLES, own: 'anyone' },
  'budget.write': { roles: TEAM },
  'budget.ask': { roles: [...TEAM, 'member'], own: 'anyone' },
  'usage.read': { roles: [...TEAM, 'platform_viewer', 'viewer'] },
} as const satisfies Record<string, Rule>;
export type Permission = keyof typeof PERMISSIONS;

const TABLE: ReadonlyMap<string, Rule> = new Map(Object.entries(PERMISSIONS));

/** Whether a role that was granted for one place reaches another. */
export function reaches({ role, organization, team }: RoleGrant, scope: Scope): boolean {
  if (organization === null) return team === null && (role === 'platform_admin' || role === 'platform_viewer');
  if (role === 'platform_admin' || role === 'platform_viewer' || scope.organization !== organization) return false;
  if (team !== null) return role !== 'org_admin' && scope.team === team;
  return role === 'org_admin' || role === 'viewer' || (role === 'member' && scope.team === undefined);
}

export function may(identity: Identity, permission: Permission, scope: Scope): boolean {
  const rule = TABLE.get(permission);
  if (rule === undefined) return false;
  const isOwn = scope.user !== undefined && scope.user === identity.user;
  if (rule.own === 'anyone' && (isOwn || (scope.anywhere === true && identity.user !== null))) return true;
  const own: readonly Role[] = rule.own === 'anyone' ? [] : (rule.own ?? []);
  return identity.grants.some((grant) => {
    if (!isWhole(grant)) return false;
    const has = rule.roles.includes(grant.role);
    if (scope.anywhere === true) return has || own.includes(grant.role);
    if (rule.upward === true && has && grant.organization !== null && grant.organization === scope.organization) return true;
    return (has || (isOwn && own.includes(grant.role))) && reaches(grant, scope);
  });
}

/** A role only counts at the level that it is made for; a grant of any other form is none. */
export function isWhole({ role, organization, team }: RoleGrant): boolean {
  switch (role) {
    case 'platform_admin':
    case 'platform_viewer':
      return organization === null && team === null;
    case 'org_admin':
      return organization !== null && team === null;
    case 'team_admin':
      return organization !== null && team !== null;
    case 'member':
    case 'viewer':
      return organization !== null;
    default:
      return false;
  }
}

const RANK: Readonly<Record<Role, number>> = {
  platform_admin: 5,
  platform_viewer: 4,
  org_admin: 3,
  team_admin: 2,
  member: 1,
  viewer: 0,
};

/** Nobody gives a role above the one they have there themselves, so that no chain of grants ends above its beginning. */
export function mayGrant(identity: Identity, grant: RoleGrant): boolean {
  if (!isWhole(grant)) return false;
  const scope = scopeOfGrant(grant);
  return identity.grants.some(
    (own) =>
      isWhole(own) && PERMISSIONS['member.write'].roles.includes(own.role) && reaches(own, scope) && RANK[own.role] >= RANK[grant.role],
  );
}

/** Whether an identity has power over everything that a person may do: else a token made for that person would be more than its maker. */
export const outranks = (identity: Identity, grants: readonly RoleGrant[]): boolean => grants.every((grant) => mayGrant(identity, grant));

export const scopeOfGrant = ({ organization, team }: RoleGrant): Scope => ({
  ...(organization !== null && { organization }),
  ...(team !== null && { team }),
});

/** What a list shows to an identity: everything, or what lies in these places. */
export type Visible = 'all' | readonly VisiblePlace[];
/** `team` absent: the whole organization. `own`: only what is the identity's own. */
export interface VisiblePlace {
  readonly organization: string;
  readonly team?: string;
  readonly own?: true;
}

export function visible(identity: Identity, permission: Permission): Visible {
  const { roles, own = [] }: Rule = PERMISSIONS[permission];
  const places: VisiblePlace[] = [];
  for (const grant of identity.grants) {
    const { role, organization, team } = grant;
    const has = roles.includes(role);
    if (!isWhole(grant) || (!has && !own.includes(role))) continue;
    if (organization === null) return 'all';
    // A member of an organization without a team sees the organization, not what its teams have.
    if (team === null && role === 'member') continue;
    places.push({ organization, ...(team !== null && { team }), ...(!has && { own: true as const }) });
  }
  return places;
}
