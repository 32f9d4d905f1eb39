import type { RowsView } from '../../../api/rows.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import type { RowState } from '../../row-watch.ts';
import { noteWork } from '../keys/note-work.ts';

export const rowRoutes = (deps: ControlDeps): Handlers<'rows.show' | 'rows.accept'> => ({
  'rows.show': async () => {
    await deps.rows.doubted();
    return rowsView(deps.rows.now);
  },
  'rows.accept': async ({ by }) => {
    const tables = await deps.rows.doubted();
    if (tables.length > 0) {
      const permit = await deps.authority.permit(by, 'rows.accept', 'rows', { tables: tables.join(', ') });
      await deps.rows.accept(permit);
      await deps.admission.restore();
      await holdKeysAgain(deps);
    }
    return rowsView(deps.rows.now);
  },
});

/**
 * A row that went may have been what work on keys was noted in, or what named them for a change above: so all are held to what their parents
 * and their people's roles allow now. Done in the background, like any such work.
 */
async function holdKeysAgain({ db }: ControlDeps): Promise<void> {
  const organizations = await db.selectFrom('organizations').select('id').where('removed_at', 'is', null).execute();
  await db.transaction().execute(async (to) => {
    for (const { id: target } of organizations)
      for (const act of ['resign', 'recheck'] as const) await noteWork(to, { act, kind: 'organization', target });
  });
}

const rowsView = ({ state, older, differences }: RowState): RowsView => ({
  state,
  older,
  differences: differences.map(({ table, expected, found }) => ({ table, expected, found })),
});
