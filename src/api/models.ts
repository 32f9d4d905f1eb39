import { z } from 'zod';

/** Models that something may use. */
export const models = z
  .array(
    z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^\p{Cc}]*$/u),
  )
  .min(1)
  .max(256)
  .describe('Aliases or `provider/model` names, a prefix with `/*`, `*` for all, `@name` for an access group. Absent: all.');
