import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { bar, facts, grouped, moment, table, type Column } from '../table.ts';
import { addDollars } from '../dollars.ts';
import { explainText } from '../explain-text.ts';
import { csvLine } from '../../core/csv.ts';
import { USAGE_DIMENSIONS } from '../../core/reports.ts';
import { differencesCommand, exportCommand, statementCommand } from './usage-files.ts';
import { windowQuery, withWindow, type WindowOptions } from './usage-window.ts';

type SummaryRow = ReplyOf<'usage.summary'>['rows'][number];
type LedgerRow = ReplyOf<'usage.rows'>['rows'][number];

const BAR_WIDTH = 24;

/** `bulkhead usage`: what was used and what it cost, from the ledger. */
export function usageCommand(context: CliContext): Command {
  const usage = withReport(new Command('usage').description('usage and cost by key, model, day …, with bars')).action(
    async (options: ReportOptions) => report(context, options),
  );
  usage.addCommand(
    withReport(new Command('report').description('the same as `usage`, under a name of its own')).action(
      async (_: object, command: Command) => report(context, command.optsWithGlobals<ReportOptions>()),
    ),
  );
  for (const command of [exportCommand(context), statementCommand(context), differencesCommand(context)]) usage.addCommand(command);
  usage.addCommand(
    withWindow(new Command('rows').description('single rows of the ledger, newest first')).action(async (_: object, command: Command) => {
      // Options that the parent has too are parsed there, wherever they stand.
      const options = command.optsWithGlobals<WindowOptions>();
      present(context, options, await clientOf(context, options).call('usage.rows', { query: windowQuery(options) }), ({ rows, next }) => {
        const more = next === null ? '' : 'There are more: --json has `next`; narrow the window with --since and --until.\n';
        return (table(ROW_COLUMNS, rows) || 'No rows in this time.\n') + more;
      });
    }),
  );
  usage.addCommand(
    withCommon(
      new Command('request')
        .description('all that the ledger knows of one request')
        .argument('<id>', 'x-bulkhead-request-id of the answer'),
    ).action(async (id: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      present(context, options, await clientOf(context, options).call('usage.request', { path: { id } }), ({ rows }) =>
        rows.map((row) => facts(Object.entries(row).map(([name, value]) => [name, cell(value)] as const))).join('\n'),
      );
    }),
  );
  usage.addCommand(
    withCommon(
      new Command('explain')
        .description('how the cost of a request came about: tokens × price, discount, margin')
        .argument('<id>', 'x-bulkhead-request-id of the answer'),
    ).action(async (id: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      present(context, options, await clientOf(context, options).call('usage.explain', { path: { id } }), explainText);
    }),
  );
  return usage;
}

type ReportOptions = WindowOptions & { readonly by: string; readonly csv?: boolean };

const withReport = (command: Command): Command =>
  withWindow(command)
    .option('--by <dimensions>', `${USAGE_DIMENSIONS.join(', ')}; several with commas`, 'key,model')
    .option('--csv', 'print CSV');

async function report(context: CliContext, { by, csv, ...options }: ReportOptions): Promise<void> {
  const answer = await clientOf(context, options).call('usage.summary', { query: { by, ...windowQuery(options) } });
  if (csv === true) return context.terminal.out(csvOf(answer.rows));
  present(context, options, answer, (shown) => summaryText(by.split(','), shown));
}

function csvOf(rows: readonly SummaryRow[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const columns = Object.keys(first);
  return [columns, ...rows.map((row) => columns.map((name) => row[name] ?? null))].map(csvLine).join('');
}

/** Fields that hold sums; the others of a row are its dimensions. */
const numberIn = (row: SummaryRow, name: string): number => Number(row[name] ?? 0);
const costIn = (row: SummaryRow): string => String(row['cost_usd'] ?? '0');

const cell = (value: unknown): string =>
  value === null || value === undefined || value === '' ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value);

function summaryText(dimensions: readonly string[], { from, to, rows, ...reply }: ReplyOf<'usage.summary'>): string {
  if (rows.length === 0) return `Nothing was used from ${moment(from)} to ${moment(to)}.\n`;
  const spent = rows.some((row) => Number(costIn(row)) > 0);
  const weight = (row: SummaryRow): number => (spent ? Number(costIn(row)) : numberIn(row, 'requests'));
  const largest = Math.max(...rows.map(weight));
  const total = totalOf(dimensions, rows);
  const columns: readonly Column<SummaryRow>[] = [
    // People know rows by name; what is gone keeps its id.
    ...dimensions.map((name) => ({ title: name, cell: (row: SummaryRow) => cell(row[`${name}_name`] ?? row[name]) })),
    ...SUMS,
    {
      title: spent ? 'share of cost' : 'share of requests',
      cell: (row) => (row === total ? '' : bar(largest === 0 ? 0 : weight(row) / largest, BAR_WIDTH)),
    },
  ];
  const open = numberIn(total, 'unconfirmed');
  const note = open === 0 ? '' : `${grouped(open)} unconfirmed: the vault saw the call, the gateway could not report its tokens.\n`;
  return `${moment(from)} to ${moment(to)}\n\n${table(columns, rows, [total])}${note}${limitsNote(reply)}`;
}

function limitsNote({ whole_days_before: days, nothing_before: nothing }: Partial<ReplyOf<'usage.summary'>>): string {
  const coarse = typeof days === 'string' ? `Before ${moment(days)} only whole days (UTC) are kept; each counts where it begins.\n` : '';
  return coarse + (typeof nothing === 'string' ? `Before ${moment(nothing)} nothing is kept of what was asked.\n` : '');
}

const SUMS: readonly Column<SummaryRow>[] = [
  { title: 'requests', align: 'right', cell: (row) => grouped(numberIn(row, 'requests')) },
  { title: 'in', align: 'right', cell: (row) => grouped(numberIn(row, 'input_tokens')) },
  { title: 'cached', align: 'right', cell: (row) => grouped(numberIn(row, 'cached_input_tokens')) },
  { title: 'out', align: 'right', cell: (row) => grouped(numberIn(row, 'output_tokens')) },
  { title: 'usd', align: 'right', cell: (row) => costIn(row) },
];

const SUMMED = ['requests', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'unconfirmed'] as const;

function totalOf(dimensions: readonly string[], rows: readonly SummaryRow[]): SummaryRow {
  const names = dimensions.map((name, i) => [name, i === 0 ? 'total' : ' '] as const);
  const sums = SUMMED.map((name) => [name, rows.reduce((sum, row) => sum + numberIn(row, name), 0)] as const);
  return { ...Object.fromEntries(names), ...Object.fromEntries(sums), cost_usd: rows.map(costIn).reduce(addDollars, '0.00') };
}

const text = (title: string, name: string, align: 'left' | 'right' = 'left'): Column<LedgerRow> => ({
  title,
  align,
  cell: (row) => cell(row[name]),
});

const ROW_COLUMNS: readonly Column<LedgerRow>[] = [
  { title: 'time', cell: (row) => moment(row['started_at'] as string | number) },
  text('request', 'request_id'),
  text('key', 'key'),
  text('model', 'model'),
  text('provider', 'provider'),
  text('status', 'status', 'right'),
  text('outcome', 'outcome'),
  text('in', 'input_tokens', 'right'),
  text('out', 'output_tokens', 'right'),
  text('usd', 'cost_usd', 'right'),
  text('ms', 'latency_ms', 'right'),
];
