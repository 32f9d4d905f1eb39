import { visible } from '../../../access/permissions.ts';
import { newOrganizationId, newTeamId } from '../../../core/ids.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { modelsOf, ModelScopes, refuseBeyond } from '../../model-scope.ts';
import { changeRow, planChange, refuseDefault, removeRow } from './change.ts';
import {
  createOrganization,
  createTeam,
  findOrganization,
  findTeam,
  listOrganizations,
  listTeams,
  organizationView,
  refuseTakenOrganization,
  refuseTakenTeam,
  teamById,
  teamView,
} from './service.ts';

type OrganizationNames = `organizations.${'list' | 'create' | 'show' | 'update' | 'remove'}`;
type TeamNames = `teams.${'list' | 'create' | 'show' | 'update' | 'remove'}`;

export const organizationRoutes = (deps: ControlDeps): Handlers<OrganizationNames | TeamNames> => ({
  ...organizations(deps),
  ...teams(deps),
});

const organizations = (deps: ControlDeps): Handlers<OrganizationNames> => ({
  'organizations.list': async ({ by }) => {
    const places = new Set(by.identity.grants.map(({ organization }) => organization));
    const rows = await listOrganizations(deps.db);
    return { organizations: rows.filter(({ id }) => places.has(null) || places.has(id)).map(organizationView) };
  },
  'organizations.show': async ({ id }) => organizationView(await findOrganization(deps.db, id)),
  'organizations.create': async ({ body: { name, models }, by }) => {
    await refuseTakenOrganization(deps.db, name);
    await refuseBeyond(new ModelScopes(deps.db), models, undefined, 'the node');
    const id = newOrganizationId(deps.clock.now());
    const permit = await deps.authority.permit(by, 'organization.create', `organization/${id}`, { name });
    return organizationView(await createOrganization(deps, permit, { id, name, models }, deps.clock.now()));
  },
  'organizations.update': async ({ id: reference, body: { name, models, cut }, by }) => {
    const { db, authority } = deps;
    const row = await findOrganization(db, reference);
    if (name !== undefined && name !== row.name) await refuseTakenOrganization(db, name);
    await refuseBeyond(new ModelScopes(db), models ?? undefined, undefined, 'the node');
    const change = {
      level: 'organizations' as const,
      id: row.id,
      name: `organization ${row.name}`,
      models: models === undefined ? undefined : { before: modelsOf(row.models), after: models ?? undefined },
      columns: { ...(name !== undefined && { name }) },
    };
    const plan = await planChange(deps, change, cut);
    const facts = { name: row.name, cut: plan.names.length, models: models === undefined ? null : JSON.stringify(models).slice(0, 1024) };
    const permit = await authority.permit(by, 'organization.update', `organization/${row.id}`, facts);
    const changed = await changeRow(deps, permit, change, plan);
    return { ...organizationView(await findOrganization(db, row.id)), ...changed };
  },
  'organizations.remove': async ({ id: reference, by }) => {
    const { id, name } = await findOrganization(deps.db, reference);
    refuseDefault('organization', id);
    const permit = await deps.authority.permit(by, 'organization.remove', `organization/${id}`, { name });
    return { id, removed: true, keys_revoked: await removeRow(deps, permit, 'organizations', id) };
  },
});

const teams = (deps: ControlDeps): Handlers<TeamNames> => ({
  'teams.list': async ({ query, by }) => {
    const organization = query.organization === undefined ? undefined : (await findOrganization(deps.db, query.organization)).id;
    const seen = visible(by.identity, 'team.read');
    const rows = await listTeams(deps.db, organization);
    const isSeen = (row: (typeof rows)[number]): boolean =>
      seen === 'all' || seen.some((place) => place.organization === row.organization && (place.team ?? row.id) === row.id);
    return { teams: rows.filter(isSeen).map(teamView) };
  },
  'teams.show': async ({ id }) => teamView(await teamById(deps.db, id)),
  'teams.create': async ({ body: { name, organization: reference, models, keys_per_member: keysPerMember }, by }) => {
    const { db, authority, clock } = deps;
    const organization = await findOrganization(db, reference);
    await refuseTakenTeam(db, organization.id, name);
    const scopes = new ModelScopes(db);
    await refuseBeyond(scopes, models, await scopes.ofOrganization(organization.id), `organization ${organization.name}`);
    const id = newTeamId(clock.now());
    const permit = await authority.permit(by, 'team.create', `team/${id}`, { name, organization: organization.id });
    return teamView(await createTeam(deps, permit, { id, organization: organization.id, name, models, keysPerMember }, clock.now()));
  },
  'teams.update': async ({ id, body: { name, models, keys_per_member, cut }, by }) => {
    const { db, authority } = deps;
    const row = await teamById(db, id);
    if (name !== undefined && name !== row.name) await refuseTakenTeam(db, row.organization, name);
    const scopes = new ModelScopes(db);
    await refuseBeyond(scopes, models ?? undefined, await scopes.ofOrganization(row.organization), 'its organization');
    const change = {
      level: 'teams' as const,
      id,
      name: `team ${row.name}`,
      models: models === undefined ? undefined : { before: modelsOf(row.models), after: models ?? undefined },
      columns: { ...(name !== undefined && { name }), ...(keys_per_member !== undefined && { keys_per_member }) },
    };
    const plan = await planChange(deps, change, cut);
    const facts = { name: row.name, cut: plan.names.length, models: models === undefined ? null : JSON.stringify(models).slice(0, 1024) };
    const permit = await authority.permit(by, 'team.update', `team/${id}`, facts);
    const changed = await changeRow(deps, permit, change, plan);
    return { ...teamView(await findTeam(db, row.organization, id)), ...changed };
  },
  'teams.remove': async ({ id, by }) => {
    const { name } = await teamById(deps.db, id);
    refuseDefault('team', id);
    const permit = await deps.authority.permit(by, 'team.remove', `team/${id}`, { name });
    return { id, removed: true, keys_revoked: await removeRow(deps, permit, 'teams', id) };
  },
});
