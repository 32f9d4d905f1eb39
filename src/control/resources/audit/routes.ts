import { isJsonObject, type Json } from '../../../core/json.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';

/** Shows the log. It is read where it lies: this process can neither change nor hide a line. */
export const auditRoutes = ({ auditor }: ControlDeps): Handlers<'audit.list'> => ({
  'audit.list': async ({ query }) => {
    const lines = await auditor.tail(query.limit).catch((cause: unknown) => {
      throw new BulkheadError('audit_unavailable', {}, { cause });
    });
    return { entries: lines.map(entryOf) };
  },
});

type Entry = Record<string, string | number | boolean | null>;

function entryOf(line: string): Entry {
  const entry: Json = JSON.parse(line) as Json;
  if (!isJsonObject(entry)) throw new Error('a line of the log is no object');
  return entry as Entry;
}
