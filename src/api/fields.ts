/** The admin API in words: one schema per thing, used to validate (control), to type (CLI) and to describe (OpenAPI). */
import { z } from 'zod';

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Names that operators choose for credentials, providers, organizations and teams. */
export const name = z.string().regex(NAME, 'must be lower-case letters, digits, `-`, `_` or `.`, at most 64');

/** Text that people read: no control characters, so that it can be printed anywhere. */
export const label = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'must not hold control characters');

/** An id that Bulkhead made, or a name: whatever is written here only ever selects a row. */
export const reference = z.string().min(1).max(128);

export const instant = z.iso.datetime({ offset: true }).describe('RFC 3339, such as 2027-01-31T00:00:00Z.');

export const whole = (least: number, most: number) => z.number().int().min(least).max(most);

/** `?limit=` of a list. */
export const limit = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual);

export const errorBody = z.strictObject({
  error: z.strictObject({
    code: z.string().describe('Stable; see docs/reference/errors.md.'),
    message: z.string(),
    remedy: z.string().describe('What to do next.'),
    request_id: z.string(),
    param: z.string().optional().describe('The field that is meant.'),
  }),
});
