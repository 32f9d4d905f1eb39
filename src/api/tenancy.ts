import { z } from 'zod';
import { limit, name, reference, whole } from './fields.ts';
import { models } from './models.ts';

/** Organizations, teams and projects: who a key belongs to, each within what the one above may use. */

/** What becomes of children that would exceed a parent that shrinks. */
const cut = z
  .boolean()
  .default(false)
  .describe('Where what lies below would allow more than the change: true cuts it down, false refuses.');
const allowed = models.nullable().optional().describe('What everything below may use at most. Null: all that the one above may use.');

export const organizationView = z.strictObject({
  id: z.string(),
  name: z.string(),
  created_at: z.string(),
  models: z.array(z.string()).nullable().default(null).describe('Null: all.'),
});
export type OrganizationView = z.output<typeof organizationView>;
export const organizationList = z.strictObject({ organizations: z.array(organizationView) });
export const organizationCreate = z.strictObject({ name, models: models.optional() });
export const organizationChange = z.strictObject({ name: name.optional(), models: allowed, cut });

const changed = {
  cut: z.array(z.string()).describe('Names and ids of what was cut down.'),
  keys_changed: z.number().describe('Keys whose signed rows were written anew.'),
};
export const organizationChanged = z.strictObject({ ...organizationView.shape, ...changed });

const keysPerMember = whole(0, 10_000).describe('Keys that each member may have in this team by self-service.');
export const teamView = z.strictObject({
  id: z.string(),
  name: z.string(),
  organization: z.string(),
  created_at: z.string(),
  models: z.array(z.string()).nullable().default(null).describe('Null: all that the organization may use.'),
  keys_per_member: keysPerMember.default(10),
});
export type TeamView = z.output<typeof teamView>;
export const teamListQuery = z.strictObject({ organization: reference.optional() });
export const teamList = z.strictObject({ teams: z.array(teamView) });
const organization = reference.optional().describe('Id or name. Default: `default`.');
const team = reference.optional().describe('Id or name within the organization. Default: `default`.');
export const teamCreate = z.strictObject({ name, organization, models: models.optional(), keys_per_member: keysPerMember.optional() });
export const teamChange = z.strictObject({ name: name.optional(), models: allowed, keys_per_member: keysPerMember.optional(), cut });
export const teamChanged = z.strictObject({ ...teamView.shape, ...changed });

export const projectView = z.strictObject({
  id: z.string(),
  name: z.string(),
  organization: z.string(),
  team: z.string(),
  created_at: z.string(),
  models: z.array(z.string()).nullable().describe('Null: all that the team may use.'),
});
export type ProjectView = z.output<typeof projectView>;
export const placeQuery = z.strictObject({ organization: reference.optional(), team: reference.optional() });
export type PlaceQuery = z.output<typeof placeQuery>;
export const projectList = z.strictObject({ projects: z.array(projectView) });
export const projectCreate = z.strictObject({ name, organization, team, models: models.optional() });
export const projectChange = z.strictObject({ name: name.optional(), models: allowed, cut });
export const projectChanged = z.strictObject({ ...projectView.shape, ...changed });

export const serviceAccountView = z.strictObject({
  id: z.string(),
  name: z.string(),
  organization: z.string(),
  team: z.string(),
  created_at: z.string(),
});
export type ServiceAccountView = z.output<typeof serviceAccountView>;
export const serviceAccountList = z.strictObject({ service_accounts: z.array(serviceAccountView) });
export const serviceAccountCreate = z.strictObject({ name, organization, team });
export const serviceAccountChange = z.strictObject({ name });

export const accessGroupView = z.strictObject({ id: z.string(), name: z.string(), models: z.array(z.string()), created_at: z.string() });
export type AccessGroupView = z.output<typeof accessGroupView>;
export const accessGroupList = z.strictObject({ access_groups: z.array(accessGroupView) });
const members = models.refine((all) => all.every((entry) => !entry.startsWith('@')), 'an access group holds no access groups');
export const accessGroupCreate = z.strictObject({ name, models: members });
export const accessGroupChange = z.strictObject({ models: members });
export const accessGroupChanged = z.strictObject({ ...accessGroupView.shape, keys_changed: z.number() });

/** What a removal took with it. */
export const removedWithKeys = z.strictObject({
  id: z.string(),
  removed: z.boolean(),
  keys_revoked: z.number().describe('Revoked, and confirmed by every process, before the answer.'),
});
export const pageQuery = { limit: limit(1000, 100), after: z.string().max(128).optional().describe('`next` of the page before.') };
export const next = z.string().nullable().default(null).describe('Pass as `after` for the next page; null: there is none.');
