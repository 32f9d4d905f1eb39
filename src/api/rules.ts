/** What limits, budgets, shares and requests for more have in common. */
import { z } from 'zod';
import { OWNER_KINDS } from '../core/owner.ts';
import { reference } from './fields.ts';

/** `model`: the whole node, for the model that the rule names. */
const OWNER_WORDS = [...OWNER_KINDS, 'model'] as const;

const id = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'must not hold control characters')
  .describe('Id or name; for `end_user` and `tag` the text that clients send; `*` for the organization that is the whole node.');

export const ownerInput = z
  .strictObject({
    kind: z.enum(OWNER_WORDS),
    id: id.optional(),
    organization: reference.optional().describe('Where a name is looked for. Default: `default`.'),
  })
  .refine((owner) => (owner.id === undefined) === (owner.kind === 'model'), {
    message: 'every owner but `model` has an id',
    path: ['id'],
  });
export type OwnerInput = z.output<typeof ownerInput>;

/** The same as a query of a list. */
export const ownerQuery = {
  owner_kind: z.enum(OWNER_WORDS).optional(),
  owner: id.optional(),
  organization: reference.optional(),
};

export const ownerView = z.strictObject({
  kind: z.enum(OWNER_KINDS),
  id: z.string(),
  name: z.string().describe('What people call it.'),
});
export type OwnerView = z.output<typeof ownerView>;

export const model = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}]*$/u)
  .describe('Counts only requests for this alias; a prefix ends in `/*`. Absent: all.');

export const mode = z.enum(['enforce', 'observe']).describe('`observe`: counted and reported, never refused.');

/** What becomes of rules below that would exceed one that shrinks. */
export const cut = z
  .boolean()
  .default(false)
  .describe('Where rules below would allow more than this one: true cuts them down, false refuses and names them.');

/** Decimal dollars: money is never a floating-point number. */
export const dollars = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,12})?$/, 'must be decimal dollars such as 500 or 0.25, at most twelve decimals')
  .refine((text) => /[1-9]/.test(text), 'must be more than nothing');

/** Whether the ledger, which enforces it, has it already. */
export const applied = z
  .enum(['yes', 'later'])
  .describe('`yes`: every request from now on is held to it. `later`: it is stored, and goes to the ledger once that answers.');

export const removed = z.strictObject({ id: z.string(), removed: z.boolean(), applied });
