import { z } from 'zod';
import { admin } from './operation.ts';

/** Whether the tables of control are as this node wrote them. */

const rowsView = z.strictObject({
  state: z.enum(['ok', 'differs', 'open']).describe('`open`: not looked at yet, the vault or the auditor was not there.'),
  older: z.boolean().describe('The whole database is one of before: the log knows of a newer one.'),
  differences: z.array(
    z.strictObject({
      table: z.string(),
      expected: z.number().nullable().describe('Rows that it should have; null: nothing of this node says so any more.'),
      found: z.number().describe('Rows that it has. The same number: others than it should have.'),
    }),
  ),
});
export type RowsView = z.output<typeof rowsView>;

export const ROWS = {
  'rows.show': admin('GET', '/rows', 'Whether the tables are as this node wrote them.', { reply: rowsView }),
  'rows.accept': admin('POST', '/rows/accept', 'Take the tables as they stand. Keys are then held to what stands there.', {
    reply: rowsView,
  }),
} as const;
