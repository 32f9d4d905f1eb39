import { z } from 'zod';
import { ROLES } from '../access/permissions.ts';
import { instant, label, reference, whole } from './fields.ts';
import { next, pageQuery } from './tenancy.ts';

/** People, what they may do where, and the tokens that they act with. */

const TEN_YEARS_SECONDS = 10 * 366 * 86_400;

const email = z
  .email()
  .max(254)
  .transform((text) => text.toLowerCase());
const role = z.enum(ROLES);

export const userView = z.strictObject({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  organization: z.string().nullable().describe('Whose administrators manage this person; null: those of the node.'),
  state: z.enum(['active', 'blocked']),
  created_at: z.string(),
});
export type UserView = z.output<typeof userView>;
export const userListQuery = z.strictObject({
  organization: reference.optional(),
  q: z.string().max(128).optional().describe('Beginning of the e-mail address.'),
  ...pageQuery,
});
export const userList = z.strictObject({ users: z.array(userView), next });
export const userCreate = z.strictObject({ name: label, email, organization: reference.optional() });
export const userChange = z.strictObject({
  name: label.optional(),
  email: email.optional(),
  state: z.enum(['active', 'blocked']).optional().describe('`blocked`: tokens stop at once, and the person’s keys are blocked.'),
});
export const userChanged = z.strictObject({ ...userView.shape, keys_changed: z.number() });

const memberView = z.strictObject({
  id: z.string(),
  user: z.string(),
  email: z.string(),
  role,
  organization: z.string().nullable().describe('Null: the whole node.'),
  team: z.string().nullable().describe('Null: the whole organization.'),
  created_at: z.string(),
});
export type MemberView = z.output<typeof memberView>;
export const memberChanged = z.strictObject({
  ...memberView.shape,
  keys_revoked: z
    .number()
    .describe('Keys of the person that the role does not allow. Revoked, and confirmed by every process, before the answer.'),
});
export const memberListQuery = z.strictObject({
  organization: reference.optional(),
  team: reference.optional(),
  user: reference.optional(),
  ...pageQuery,
});
export const memberList = z.strictObject({ members: z.array(memberView), next });
export const memberPut = z.strictObject({
  user: reference.describe('Id or e-mail address.'),
  role,
  organization: reference.optional().describe('Absent only for a role of the whole node.'),
  team: reference.optional(),
});
export const removed = z.strictObject({ id: z.string(), removed: z.boolean() });

export const tokenView = z.strictObject({
  id: z.string(),
  name: z.string(),
  user: z.string(),
  hint: z.string(),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  state: z.enum(['active', 'expired', 'revoked']),
});
export type TokenView = z.output<typeof tokenView>;
export const tokenListQuery = z.strictObject({ user: reference.optional().describe('Default: one’s own.') });
export const tokenList = z.strictObject({ tokens: z.array(tokenView) });
export const tokenCreate = z
  .strictObject({
    name: label,
    user: reference.optional().describe('Id or e-mail address. Default: oneself.'),
    expires_at: instant.optional(),
    expires_in_seconds: whole(1, TEN_YEARS_SECONDS).optional().describe('Instead of expires_at.'),
  })
  .refine(({ expires_at, expires_in_seconds }) => expires_at === undefined || expires_in_seconds === undefined, {
    message: 'give expires_at or expires_in_seconds, not both',
    path: ['expires_in_seconds'],
  });
export const tokenCreated = z.strictObject({ token: z.string().describe('Shown this once.'), ...tokenView.shape });
