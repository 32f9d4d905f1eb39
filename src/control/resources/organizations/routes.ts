import { newOrganizationId, newTeamId } from '../../../core/ids.ts';
import { ADMIN } from '../../acts.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import {
  createOrganization,
  createTeam,
  findOrganization,
  listOrganizations,
  listTeams,
  refuseTakenOrganization,
  refuseTakenTeam,
} from './service.ts';

type Names = 'organizations.list' | 'organizations.create' | 'teams.list' | 'teams.create';

export const organizationRoutes = ({ db, authority, clock }: ControlDeps): Handlers<Names> => ({
  'organizations.list': async () => ({ organizations: await listOrganizations(db) }),
  'organizations.create': async ({ body: { name } }) => {
    await refuseTakenOrganization(db, name);
    const id = newOrganizationId(clock.now());
    const permit = await authority.permit(ADMIN, 'organization.create', `organization/${id}`, { name });
    return createOrganization(db, permit, id, name, clock.now());
  },
  'teams.list': async ({ query }) => {
    const organization = query.organization === undefined ? undefined : (await findOrganization(db, query.organization)).id;
    return { teams: await listTeams(db, organization) };
  },
  'teams.create': async ({ body: { name, organization: reference } }) => {
    const organization = (await findOrganization(db, reference)).id;
    await refuseTakenTeam(db, organization, name);
    const id = newTeamId(clock.now());
    const permit = await authority.permit(ADMIN, 'team.create', `team/${id}`, { name, organization });
    return createTeam(db, permit, { id, organization, name }, clock.now());
  },
});
