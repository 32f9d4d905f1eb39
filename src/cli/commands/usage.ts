import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { bar, facts, grouped, moment, table, type Column } from '../table.ts';
import { addDollars } from '../dollars.ts';

type SummaryRow = ReplyOf<'usage.summary'>['rows'][number];
type LedgerRow = ReplyOf<'usage.rows'>['rows'][number];

interface WindowOptions extends CommonOptions {
  readonly since: string;
  readonly until?: string;
  readonly key?: string;
  readonly team?: string;
  readonly organization?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly limit?: string;
}

const BAR_WIDTH = 24;

/** `bulkhead usage`: what was used and what it cost, from the ledger. */
export function usageCommand(context: CliContext): Command {
  const usage = withWindow(new Command('usage').description('usage and cost by key, model, day …, with bars'))
    .option(
      '--by <dimensions>',
      'key, team, organization, model, alias, provider, credential, day, hour, outcome; several with commas',
      'key,model',
    )
    .action(async ({ by, ...options }: WindowOptions & { readonly by: string }) => {
      const client = clientOf(context, options);
      const answer = await client.call('usage.summary', { query: { by, ...windowQuery(options) } });
      const named = options.json === true ? answer : { ...answer, rows: await withKeyNames(client, answer.rows) };
      present(context, options, named, (shown) => summaryText(by.split(','), shown));
    });
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
  return usage;
}

/** People know keys by name; the ledger knows ids. A key that is not listed keeps its id. */
async function withKeyNames(client: AdminClient, rows: readonly SummaryRow[]): Promise<SummaryRow[]> {
  if (!rows.some(({ key }) => String(key).startsWith('key_'))) return [...rows];
  const { keys } = await client.call('keys.list');
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  return rows.map((row) => (typeof row['key'] === 'string' ? { ...row, key: names.get(row['key']) ?? row['key'] } : row));
}

const withWindow = (command: Command): Command =>
  withCommon(command)
    .option('--since <time>', 'how far back (24h, 7d), or from when (2027-01-31)', '7d')
    .option('--until <time>', 'until when (default: now)')
    .option('--key <key>', 'only this key')
    .option('--team <team>', 'only this team')
    .option('--organization <organization>', 'only this organization')
    .option('--model <model>', 'only this model of a provider')
    .option('--provider <provider>', 'only this provider')
    .option('--limit <count>', 'most rows');

const windowQuery = ({ since, until, key, team, organization, model, provider, limit }: WindowOptions) => ({
  since,
  until,
  key,
  team,
  organization,
  model,
  provider,
  limit,
});

/** Fields that hold sums; the others of a row are its dimensions. */
const numberIn = (row: SummaryRow, name: string): number => Number(row[name] ?? 0);
const costIn = (row: SummaryRow): string => String(row['cost_usd'] ?? '0');

const cell = (value: unknown): string =>
  value === null || value === undefined || value === '' ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value);

function summaryText(dimensions: readonly string[], { from, to, rows }: ReplyOf<'usage.summary'>): string {
  if (rows.length === 0) return `Nothing was used from ${moment(from)} to ${moment(to)}.\n`;
  const spent = rows.some((row) => Number(costIn(row)) > 0);
  const weight = (row: SummaryRow): number => (spent ? Number(costIn(row)) : numberIn(row, 'requests'));
  const largest = Math.max(...rows.map(weight));
  const total = totalOf(dimensions, rows);
  const columns: readonly Column<SummaryRow>[] = [
    ...dimensions.map((name) => ({ title: name, cell: (row: SummaryRow) => cell(row[name]) })),
    ...SUMS,
    {
      title: spent ? 'share of cost' : 'share of requests',
      cell: (row) => (row === total ? '' : bar(largest === 0 ? 0 : weight(row) / largest, BAR_WIDTH)),
    },
  ];
  const open = numberIn(total, 'unconfirmed');
  const note = open === 0 ? '' : `${grouped(open)} unconfirmed: the vault saw the call, the gateway could not report its tokens.\n`;
  return `${moment(from)} to ${moment(to)}\n\n${table(columns, rows, [total])}${note}`;
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
