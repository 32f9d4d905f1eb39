import { z } from 'zod';
import { name, reference } from './fields.ts';

export const organizationView = z.strictObject({ id: z.string(), name: z.string(), created_at: z.string() });
export type OrganizationView = z.output<typeof organizationView>;
export const organizationList = z.strictObject({ organizations: z.array(organizationView) });
export const organizationCreate = z.strictObject({ name });

export const teamView = z.strictObject({ id: z.string(), name: z.string(), organization: z.string(), created_at: z.string() });
export type TeamView = z.output<typeof teamView>;
export const teamList = z.strictObject({ teams: z.array(teamView) });
export const teamCreate = z.strictObject({
  name,
  organization: reference.optional().describe('Id or name. Default: `default`.'),
});
