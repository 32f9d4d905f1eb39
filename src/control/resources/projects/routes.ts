import { visible } from '../../../access/permissions.ts';
import type { PlaceQuery } from '../../../api/tenancy.ts';
import { newRowId } from '../../../core/ids.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { modelsOf, ModelScopes, refuseBeyond } from '../../model-scope.ts';
import { changeRow, planChange, removeRow } from '../organizations/change.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import {
  createProject,
  createServiceAccount,
  findProject,
  findServiceAccount,
  listIn,
  projectView,
  refuseTakenIn,
  renameServiceAccount,
  serviceAccountView,
  type Within,
} from './service.ts';

type ProjectNames = `projects.${'list' | 'create' | 'show' | 'update' | 'remove'}`;
type AccountNames = `service-accounts.${'list' | 'create' | 'show' | 'update' | 'remove'}`;

export const projectRoutes = (deps: ControlDeps): Handlers<ProjectNames | AccountNames> => ({ ...projects(deps), ...accounts(deps) });

async function placeIn(db: Database, { organization, team }: PlaceQuery): Promise<Partial<Within>> {
  if (organization === undefined && team === undefined) return {};
  const home = (await findOrganization(db, organization)).id;
  return { organization: home, ...(team !== undefined && { team: (await findTeam(db, home, team)).id }) };
}

async function teamIn(db: Database, { organization, team }: PlaceQuery): Promise<{ readonly organization: string; readonly team: string }> {
  const home = (await findOrganization(db, organization)).id;
  return { organization: home, team: (await findTeam(db, home, team)).id };
}

const projects = (deps: ControlDeps): Handlers<ProjectNames> => ({
  'projects.list': async ({ query, by }) => {
    const rows = await listIn(deps.db, 'projects', await placeIn(deps.db, query), visible(by.identity, 'project.read'));
    return { projects: rows.map(projectView) };
  },
  'projects.show': async ({ id }) => projectView(await findProject(deps.db, undefined, id)),
  'projects.create': async ({ body, by }) => {
    const { db, authority, clock } = deps;
    const place = await teamIn(db, body);
    await refuseTakenIn(db, 'projects', place.team, body.name);
    const scopes = new ModelScopes(db);
    await refuseBeyond(scopes, body.models, await scopes.ofTeam(place.organization, place.team), 'its team');
    const id = newRowId('proj', clock.now());
    const permit = await authority.permit(by, 'project.create', `project/${id}`, { name: body.name, ...place });
    return projectView(await createProject(deps, permit, { id, ...place, name: body.name, models: body.models }, clock.now()));
  },
  'projects.update': async ({ id, body: { name, models, cut }, by }) => {
    const { db, authority } = deps;
    const row = await findProject(db, undefined, id);
    if (name !== undefined && name !== row.name) await refuseTakenIn(db, 'projects', row.team, name);
    const scopes = new ModelScopes(db);
    await refuseBeyond(scopes, models ?? undefined, await scopes.ofTeam(row.organization, row.team), 'its team');
    const change = {
      level: 'projects' as const,
      id,
      name: `project ${row.name}`,
      models: models === undefined ? undefined : { before: modelsOf(row.models), after: models ?? undefined },
      columns: { ...(name !== undefined && { name }) },
    };
    const plan = await planChange(deps, change, cut);
    const permit = await authority.permit(by, 'project.update', `project/${id}`, { name: row.name, cut: plan.names.length });
    const changed = await changeRow(deps, permit, change, plan);
    return { ...projectView(await findProject(db, undefined, id)), ...changed };
  },
  'projects.remove': async ({ id, by }) => {
    const { name } = await findProject(deps.db, undefined, id);
    const permit = await deps.authority.permit(by, 'project.remove', `project/${id}`, { name });
    return { id, removed: true, keys_revoked: await removeRow(deps, permit, 'projects', id) };
  },
});

const accounts = (deps: ControlDeps): Handlers<AccountNames> => ({
  'service-accounts.list': async ({ query, by }) => {
    const seen = visible(by.identity, 'service-account.read');
    const rows = await listIn(deps.db, 'service_accounts', await placeIn(deps.db, query), seen);
    return { service_accounts: rows.map(serviceAccountView) };
  },
  'service-accounts.show': async ({ id }) => serviceAccountView(await findServiceAccount(deps.db, undefined, id)),
  'service-accounts.create': async ({ body, by }) => {
    const { db, authority, clock } = deps;
    const place = await teamIn(db, body);
    await refuseTakenIn(db, 'service_accounts', place.team, body.name);
    const id = newRowId('svc', clock.now());
    const permit = await authority.permit(by, 'service-account.create', `service-account/${id}`, { name: body.name, ...place });
    return serviceAccountView(await createServiceAccount(deps, permit, { id, ...place, name: body.name }, clock.now()));
  },
  'service-accounts.update': async ({ id, body: { name }, by }) => {
    const row = await findServiceAccount(deps.db, undefined, id);
    if (name !== row.name) await refuseTakenIn(deps.db, 'service_accounts', row.team, name);
    const permit = await deps.authority.permit(by, 'service-account.update', `service-account/${id}`, { name });
    return serviceAccountView(await renameServiceAccount(deps, permit, id, name));
  },
  'service-accounts.remove': async ({ id, by }) => {
    const { name } = await findServiceAccount(deps.db, undefined, id);
    const permit = await deps.authority.permit(by, 'service-account.remove', `service-account/${id}`, { name });
    return { id, removed: true, keys_revoked: await removeRow(deps, permit, 'service_accounts', id) };
  },
});
