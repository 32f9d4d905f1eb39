import { z } from 'zod';
import { reference } from './fields.ts';

/** Where people log in, and the short-lived keys that they get. */

export const loginOptions = z.strictObject({
  issuers: z.array(
    z.strictObject({
      id: z.string(),
      url: z.string().describe('Of the issuer; its endpoints are found from there.'),
      client_id: z.string(),
      scopes: z.array(z.string()),
      ca: z.string().nullable().describe('Extra certificate authorities, PEM.'),
    }),
  ),
});
export type LoginIssuer = z.output<typeof loginOptions>['issuers'][number];

export const loginBody = z.strictObject({
  team: reference.optional().describe('Name or id of one of the teams that the issuer names. Default: the first.'),
  key: z.string().max(128).optional().describe('The key of this login, which then goes on living. Default: a new one.'),
});
export const loginKey = z.strictObject({
  key: z.string(),
  expires_at: z.string().describe('Renewed by asking again with a new ID token.'),
  organization: z.string(),
  team: z.string(),
  user: z.string(),
  email: z.string(),
});
export type LoginKey = z.output<typeof loginKey>;

export const logoutBody = z.strictObject({ key: z.string().max(128) });
export const loggedOut = z.strictObject({ ended: z.boolean() });
