import { z } from 'zod';

/** The words of bulkhead.yaml for issuers of tokens: who callers are that come without a key. */

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const claim = z
  .union([z.string().min(1).max(128), z.array(z.string().min(1).max(128)).min(1).max(4)])
  .describe('Name of a claim; a list of names leads into nested ones, such as `[realm_access, roles]`.');
const place = z.string().min(1).max(128);
const names = z.record(z.string().min(1).max(256), place).optional();

const byClaim = (what: string) =>
  z.strictObject({
    claim,
    names: names.describe(`What the claim’s values mean: value → ${what}. With it, every other value means nothing.`),
  });

/** Roles that a claim may give: none of them reaches beyond a team. */
const CLAIM_ROLES = ['team_admin', 'member', 'viewer'] as const;
const role = z.enum(CLAIM_ROLES);

const issuer = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(512)
    .describe('`https`, exactly as its tokens say in `iss`. Its keys are found from there (OpenID Connect Discovery).'),
  audiences: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(16)
    .describe(
      'A token is taken when its `aud` names one of these. A name of this gateway alone: else a token made for another program opens it too.',
    ),
  client_id: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('The public client that `bulkhead login` is at the issuer, with the device flow allowed. Absent: nobody logs in there.'),
  client_scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(16)
    .default(['openid', 'email', 'profile', 'offline_access'])
    .describe('What `bulkhead login` asks for.'),
  organization: z
    .union([place, byClaim('organization')])
    .default('default')
    .describe('The organization of its people: a name, or `{ claim: org, names: { acme-inc: acme } }`.'),
  team: z
    .union([place, byClaim('team')])
    .default('default')
    .describe(
      'Their team: a name, or `{ claim: groups, names: { "8c1f": search } }`. Of a list, the first that is a team here is charged.',
    ),
  role: z
    .union([role, byClaim('role').extend({ names: z.record(z.string().min(1).max(256), role), otherwise: role.optional() })])
    .default('member')
    .describe(
      'Their role in it: `team_admin`, `member` or `viewer`, or `{ claim: roles, names: { leads: team_admin }, otherwise: member }`. The highest counts; without `otherwise`, who has none of them has no role.',
    ),
  email: claim.default('email'),
  trust_email: z
    .boolean()
    .default(false)
    .describe('Takes the e-mail address without `email_verified`. Only for an issuer whose people cannot choose their address.'),
  people: z
    .enum(['create', 'known'])
    .default('create')
    .describe('`create`: who comes for the first time becomes a person here. `known`: only who is one already, by e-mail address.'),
  node_people: z
    .boolean()
    .default(false)
    .describe('Whether people whom the node’s own administrators manage may come by this issuer; they may have roles of the whole node.'),
  session_seconds: z
    .number()
    .int()
    .min(10)
    .max(300)
    .default(300)
    .describe('How long a token or login is taken before the issuer’s word is asked for again. A removal takes at most this long.'),
  private: z.boolean().default(false).describe('Allows addresses of private networks and the loopback interface, for this issuer alone.'),
  ca: z.string().max(262_144).optional().describe('Extra certificate authorities to trust for this issuer, PEM text as a block (`ca: |`).'),
  proxy: z.string().max(300).optional().describe('HTTP CONNECT proxy on the vault’s way to this issuer: `http://host:port`.'),
});

export const issuersSchema = z
  .record(z.string().regex(NAME, 'must be lower-case letters, digits, `-`, `_` or `.`, at most 64'), issuer)
  .default({})
  .describe(
    'Whose tokens callers may send instead of a key, and where people log in (`bulkhead login`). See [people and tokens](../guide/people-and-tokens.md).',
  );

export type IssuerEntry = z.output<typeof issuer>;
