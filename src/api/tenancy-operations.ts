import { keyChange, keyChanged, keyCreate, keyCreated, keyList, keyListQuery, keyRevoked, keyRotate, keyRotated, keyView } from './keys.ts';
import * as login from './login.ts';
import { admin, asking, open, type Operation } from './operation.ts';
import * as people from './people.ts';
import * as tenancy from './tenancy.ts';

/** Organizations down to keys, and the people who work with them. */

const organization = asking('organization', 'organization');
const team = asking('team', 'team');
const project = asking('project', 'project');
const account = asking('service-account', 'service-account');
const user = asking('user', 'user');
const key = asking('key', 'key');
const inOrganization = { scope: 'organization-named', status: 201 } as const;
const inTeam = { scope: 'team-named', status: 201 } as const;
const group = {
  list: { permission: 'catalogue.read', scope: 'visible' },
  write: { permission: 'access-group.write' },
} as const;
const ofOneself = { permission: 'token.write', scope: 'user-named' } as const;

const PLACES = {
  'organizations.list': admin('GET', '/organizations', 'List organizations.', { ...organization.list, reply: tenancy.organizationList }),
  'organizations.create': admin('POST', '/organizations', 'Create an organization, with a team `default`.', {
    permission: 'organization.write',
    body: tenancy.organizationCreate,
    reply: tenancy.organizationView,
    status: 201,
  }),
  'organizations.show': admin('GET', '/organizations/{id}', 'Show an organization.', {
    ...organization.read,
    reply: tenancy.organizationView,
  }),
  'organizations.update': admin('PATCH', '/organizations/{id}', 'Change an organization, and what lies below it accordingly.', {
    ...organization.write,
    body: tenancy.organizationChange,
    reply: tenancy.organizationChanged,
  }),
  'organizations.remove': admin('DELETE', '/organizations/{id}', 'Remove an organization. All its keys are revoked first.', {
    ...organization.write,
    reply: tenancy.removedWithKeys,
  }),

  'teams.list': admin('GET', '/teams', 'List teams.', { ...team.list, query: tenancy.teamListQuery, reply: tenancy.teamList }),
  'teams.create': admin('POST', '/teams', 'Create a team.', {
    permission: 'team.write',
    ...inOrganization,
    body: tenancy.teamCreate,
    reply: tenancy.teamView,
  }),
  'teams.show': admin('GET', '/teams/{id}', 'Show a team.', { ...team.read, reply: tenancy.teamView }),
  'teams.update': admin('PATCH', '/teams/{id}', 'Change a team, and what lies below it accordingly.', {
    ...team.write,
    body: tenancy.teamChange,
    reply: tenancy.teamChanged,
  }),
  'teams.remove': admin('DELETE', '/teams/{id}', 'Remove a team. All its keys are revoked first.', {
    ...team.write,
    reply: tenancy.removedWithKeys,
  }),

  'projects.list': admin('GET', '/projects', 'List projects.', { ...project.list, query: tenancy.placeQuery, reply: tenancy.projectList }),
  'projects.create': admin('POST', '/projects', 'Create a project in a team.', {
    permission: 'project.write',
    ...inTeam,
    body: tenancy.projectCreate,
    reply: tenancy.projectView,
  }),
  'projects.show': admin('GET', '/projects/{id}', 'Show a project.', { ...project.read, reply: tenancy.projectView }),
  'projects.update': admin('PATCH', '/projects/{id}', 'Change a project, and its keys accordingly.', {
    ...project.write,
    body: tenancy.projectChange,
    reply: tenancy.projectChanged,
  }),
  'projects.remove': admin('DELETE', '/projects/{id}', 'Remove a project. All its keys are revoked first.', {
    ...project.write,
    reply: tenancy.removedWithKeys,
  }),

  'service-accounts.list': admin('GET', '/service-accounts', 'List service accounts.', {
    ...account.list,
    query: tenancy.placeQuery,
    reply: tenancy.serviceAccountList,
  }),
  'service-accounts.create': admin('POST', '/service-accounts', 'Create a service account of a team.', {
    permission: 'service-account.write',
    ...inTeam,
    body: tenancy.serviceAccountCreate,
    reply: tenancy.serviceAccountView,
  }),
  'service-accounts.show': admin('GET', '/service-accounts/{id}', 'Show a service account.', {
    ...account.read,
    reply: tenancy.serviceAccountView,
  }),
  'service-accounts.update': admin('PATCH', '/service-accounts/{id}', 'Rename a service account.', {
    ...account.write,
    body: tenancy.serviceAccountChange,
    reply: tenancy.serviceAccountView,
  }),
  'service-accounts.remove': admin('DELETE', '/service-accounts/{id}', 'Remove a service account. All its keys are revoked first.', {
    ...account.write,
    reply: tenancy.removedWithKeys,
  }),

  'access-groups.list': admin('GET', '/access-groups', 'List access groups: named lists of models.', {
    ...group.list,
    reply: tenancy.accessGroupList,
  }),
  'access-groups.create': admin('POST', '/access-groups', 'Create an access group.', {
    ...group.write,
    body: tenancy.accessGroupCreate,
    reply: tenancy.accessGroupView,
    status: 201,
  }),
  'access-groups.show': admin('GET', '/access-groups/{id}', 'Show an access group.', { ...group.list, reply: tenancy.accessGroupView }),
  'access-groups.update': admin('PUT', '/access-groups/{id}', 'Change what an access group holds, for every key that names it.', {
    ...group.write,
    body: tenancy.accessGroupChange,
    reply: tenancy.accessGroupChanged,
  }),
  'access-groups.remove': admin('DELETE', '/access-groups/{id}', 'Remove an access group that nothing names.', {
    ...group.write,
    reply: people.removed,
  }),
} satisfies Record<string, Operation>;

const PEOPLE = {
  'users.list': admin('GET', '/users', 'List people.', { ...user.list, query: people.userListQuery, reply: people.userList }),
  'users.create': admin('POST', '/users', 'Create a person.', {
    permission: 'user.write',
    scope: 'place-named',
    status: 201,
    body: people.userCreate,
    reply: people.userView,
  }),
  'users.show': admin('GET', '/users/{id}', 'Show a person.', { ...user.read, reply: people.userView }),
  'users.update': admin('PATCH', '/users/{id}', 'Change, block or unblock a person.', {
    ...user.write,
    body: people.userChange,
    reply: people.userChanged,
  }),
  'users.remove': admin('DELETE', '/users/{id}', 'Remove a person, with tokens and roles. All keys are revoked first.', {
    ...user.write,
    reply: tenancy.removedWithKeys,
  }),

  'members.list': admin('GET', '/members', 'List who has which role where.', {
    permission: 'member.read',
    scope: 'visible',
    query: people.memberListQuery,
    reply: people.memberList,
  }),
  'members.put': admin('PUT', '/members', 'Give a person a role, instead of the one that they had there.', {
    permission: 'member.write',
    scope: 'place-named',
    body: people.memberPut,
    reply: people.memberChanged,
  }),
  'members.remove': admin('DELETE', '/members/{id}', 'Take a role away, and with it the person’s keys there.', {
    permission: 'member.write',
    scope: 'member',
    reply: tenancy.removedWithKeys,
  }),

  'tokens.list': admin('GET', '/tokens', 'List a person’s tokens, never their text.', {
    permission: 'token.read',
    scope: 'user-named',
    query: people.tokenListQuery,
    reply: people.tokenList,
  }),
  'tokens.create': admin('POST', '/tokens', 'Create a personal token for the admin API. Its text is shown once.', {
    ...ofOneself,
    status: 201,
    body: people.tokenCreate,
    reply: people.tokenCreated,
  }),
  'tokens.revoke': admin('DELETE', '/tokens/{id}', 'Revoke a personal token, at once.', {
    permission: 'token.write',
    scope: 'token',
    reply: people.tokenView,
  }),
} satisfies Record<string, Operation>;

const KEYS = {
  'keys.list': admin('GET', '/keys', 'List virtual keys.', { ...key.list, query: keyListQuery, reply: keyList }),
  'keys.create': admin('POST', '/keys', 'Create a virtual key. Its text is shown once.', {
    permission: 'key.write',
    ...inTeam,
    body: keyCreate,
    reply: keyCreated,
  }),
  'keys.show': admin('GET', '/keys/{id}', 'Show a virtual key.', { ...key.read, reply: keyView }),
  'keys.update': admin('PATCH', '/keys/{id}', 'Change a virtual key. Answers when every process serves by the change.', {
    ...key.write,
    body: keyChange,
    reply: keyChanged,
  }),
  'keys.block': admin('POST', '/keys/{id}/block', 'Block a virtual key. Answers when every process has confirmed.', {
    ...key.write,
    reply: keyChanged,
  }),
  'keys.unblock': admin('POST', '/keys/{id}/unblock', 'Let a blocked virtual key work again.', { ...key.write, reply: keyChanged }),
  'keys.revoke': admin('DELETE', '/keys/{id}', 'Revoke a virtual key. Answers when every process has confirmed.', {
    ...key.write,
    reply: keyRevoked,
  }),
  'keys.rotate': admin('POST', '/keys/{id}/rotate', 'Replace a virtual key; the old one works on for the grace time.', {
    ...key.write,
    body: keyRotate,
    reply: keyRotated,
    status: 201,
  }),
} satisfies Record<string, Operation>;

const LOGIN = {
  'login.options': open('/admin/v1/login', 'Where people log in.', login.loginOptions),
  'login.key': admin('POST', '/login', 'Turn a fresh ID token of an issuer into a key of minutes, or let that key go on living.', {
    ...ofOneself,
    status: 201,
    body: login.loginBody,
    reply: login.loginKey,
  }),
  'login.end': admin('POST', '/logout', 'End the key of a login, at once.', {
    ...ofOneself,
    body: login.logoutBody,
    reply: login.loggedOut,
  }),
} satisfies Record<string, Operation>;

export const TENANCY = { ...PLACES, ...PEOPLE, ...LOGIN, ...KEYS } satisfies Record<string, Operation>;
