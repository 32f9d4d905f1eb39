import { Command } from 'commander';
import type { RowsView } from '../../api/rows.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { EXIT } from '../failure.ts';
import { table, type Column } from '../table.ts';
import { styled, type Terminal } from '../terminal.ts';

/** `bulkhead rows`: whether somebody else wrote into the database. */
export function rowsCommand(context: CliContext): Command {
  const rows = withCommon(new Command('rows').description('say whether the database is as this node wrote it'))
    .addHelpText('after', '\nExit status: 0 it is, 1 it is not.')
    .action((options: CommonOptions) => show(context, options, 'rows.show'));
  rows.addCommand(
    withCommon(new Command('accept').description('take the database as it stands, once you know what was changed')).action(
      (_: unknown, command: Command) => show(context, command.optsWithGlobals<CommonOptions>(), 'rows.accept'),
    ),
  );
  return rows;
}

async function show(context: CliContext, options: CommonOptions, name: 'rows.show' | 'rows.accept'): Promise<void> {
  const view = await clientOf(context, options).call(name);
  if (view.state !== 'ok') context.exitWith(EXIT.failed);
  present(context, options, view, () => text(context.terminal, view));
}

type Difference = RowsView['differences'][number];
const COLUMNS: readonly Column<Difference>[] = [
  { title: 'table', cell: ({ table: name }) => name },
  { title: 'expected rows', align: 'right', cell: ({ expected }) => String(expected ?? 'unknown') },
  { title: 'found', align: 'right', cell: ({ found }) => String(found) },
];

const WHAT_NOW = `Somebody wrote into the database who is not this node. The same number: rows were exchanged, or are as they once were.
Compare with what the log says of these tables: bulkhead logs, and GET /admin/v1/audit. Then either
  put a backup back                bulkhead restore
  or take it as it stands          bulkhead rows accept
Until then only the node’s own token changes anything, and claims of issuers give nobody anything new.
`;

function text(terminal: Terminal, { state, older, differences }: RowsView): string {
  if (state === 'ok') return `${styled(terminal, 'green', '✓')} Every table is as this node wrote it.\n`;
  if (state === 'open') return 'Nobody could look yet: the vault or the auditor is not there. Try again in a few seconds.\n';
  const whole = older ? 'The whole database is older than the log says: somebody put it back.\n' : '';
  return `${whole}${differences.length === 0 ? '' : table(COLUMNS, differences)}${WHAT_NOW}`;
}
