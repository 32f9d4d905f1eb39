import { Command } from 'commander';
import type { BodyInputOf, ReplyOf } from '../../api/operations.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { count, instantOf } from '../duration.ts';
import { CliFailure, usageError } from '../failure.ts';
import { ownerOf, ownerQuery, ownerText, withOwner, type OwnerOptions } from '../owner-options.ts';
import { facts, moment, stackedBar, table, type Column } from '../table.ts';
import { budgetRequestCommands } from './budget-requests.ts';
import { appliedText } from './limit.ts';

type Budget = ReplyOf<'budgets.list'>['budgets'][number];
type Written = ReplyOf<'budgets.create'>;
type Status = ReplyOf<'admission.status'>['budgets'][number];

interface SetOptions extends CommonOptions, OwnerOptions {
  readonly provider?: string;
  readonly per: string;
  readonly timeZone?: string;
  readonly soft?: true;
  readonly observe?: true;
  readonly alertAt?: string;
  readonly cut?: true;
}

interface RaiseOptions extends CommonOptions {
  readonly until: string;
  readonly reason: string;
}

/** `bulkhead budget`: what an owner may spend in a time. */
export function budgetCommand(context: CliContext): Command {
  const budget = new Command('budget').description('set, show, raise and ask for budgets');
  budget.addCommand(setCommand(context));
  budget.addCommand(listCommand(context));
  budget.addCommand(showCommand(context));
  budget.addCommand(raiseCommand(context));
  for (const command of budgetRequestCommands(context)) budget.addCommand(command);
  budget.addCommand(alertsCommand(context));
  budget.addCommand(
    withCommon(
      new Command('remove').description('remove a budget; what was spent stays in the ledger').argument('<id>', 'of the budget'),
    ).action(async (id: string, options: CommonOptions) => {
      const removed = await clientOf(context, options).call('budgets.remove', { path: { id } });
      present(context, options, removed, ({ applied }) => `The budget ${id} is removed.\n${appliedText(applied)}`);
    }),
  );
  return budget;
}

function setCommand(context: CliContext): Command {
  return withOwner(
    withCommon(
      new Command('set')
        .description('give an owner a budget, or change the one for the same window')
        .argument('<dollars>', 'such as 500 or 0.25'),
    ),
  )
    .option('--model <alias>', 'only what this model costs, a prefix with /*; alone: everyone, for this model')
    .option('--provider <name>', 'only what this provider costs')
    .option('--per <window>', 'hour, day, week, month, total, or the last days or hours like rolling:7d', 'month')
    .option('--time-zone <name>', 'whose days, weeks and months, such as Europe/Berlin (default: UTC)')
    .option('--soft', 'alert, refuse nothing')
    .option('--observe', 'count and report what would be refused, refuse nothing')
    .option('--alert-at <percents>', 'thresholds in percent, comma-separated', '80,100')
    .option('--cut', 'cut budgets below that would allow more')
    .action(async (dollars: string, options: SetOptions) => {
      const client = clientOf(context, options);
      present(context, options, await set(client, amountOf(dollars), options), writtenText);
    });
}

function amountOf(text: string): string {
  const amount = text.startsWith('$') ? text.slice(1) : text;
  if (/^\d{1,9}(\.\d{1,12})?$/.test(amount)) return amount;
  throw usageError('The amount is not a decimal number of dollars.', 'Write it like 500 or 0.25.');
}

/** Changes the budget of the same owner, reach, window and kind where there is one, so that a script may say it again. */
async function set(client: AdminClient, dollars: string, options: SetOptions): Promise<Written> {
  const { model, provider, per, timeZone } = options;
  const body: BodyInputOf<'budgets.create'> = {
    owner: ownerOf(options),
    dollars,
    window: per,
    enforcement: options.soft === true ? 'soft' : 'hard',
    mode: options.observe === true ? 'observe' : 'enforce',
    thresholds: (options.alertAt ?? '')
      .split(',')
      .filter(Boolean)
      .map((text) => count(text.trim(), '--alert-at')),
    cut: options.cut === true,
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider }),
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
  };
  const { kind: owner_kind, id: owner, organization } = body.owner;
  const { budgets } = await client.call('budgets.list', { query: { owner_kind, owner, organization } });
  const same = budgets.find(
    (budget) =>
      budget.window === per &&
      budget.model === (model ?? null) &&
      budget.provider === (provider ?? null) &&
      budget.enforcement === body.enforcement,
  );
  if (same === undefined) return client.call('budgets.create', { body });
  const { owner: _, model: __, provider: ___, ...change } = body;
  return client.call('budgets.update', { path: { id: same.id }, body: change });
}

function listCommand(context: CliContext): Command {
  return withOwner(withCommon(new Command('list').description('list budgets: spent, held for requests under way, and left')))
    .option('--model <alias>', 'only those for this model')
    .option('--provider <name>', 'only those for this provider')
    .action(async (options: CommonOptions & OwnerOptions & { readonly provider?: string }) => {
      const client = clientOf(context, options);
      const query = { ...ownerQuery(options), model: options.model, provider: options.provider };
      const { budgets } = await client.call('budgets.list', { query });
      const status = await statusOf(client, ownerQuery(options));
      const shown = budgets.map((budget) => ({ ...budget, status: status?.get(budget.id) ?? null }));
      present(context, options, { budgets: shown }, () => listText(shown, status !== undefined));
    });
}

function showCommand(context: CliContext): Command {
  return withCommon(new Command('show').description('show a budget, its raises and what is left').argument('<id>', 'of the budget')).action(
    async (id: string, options: CommonOptions) => {
      const client = clientOf(context, options);
      const budget = await client.call('budgets.show', { path: { id } });
      const { kind: owner_kind, id: owner } = budget.owner;
      const status = (await statusOf(client, { owner_kind, owner }))?.get(id) ?? null;
      present(context, options, { ...budget, status }, showText);
    },
  );
}

/** By rule; undefined while the ledger does not answer, for the budgets themselves are in control. */
async function statusOf(
  client: AdminClient,
  query: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, Status> | undefined> {
  try {
    const { budgets } = await client.call('admission.status', { query });
    return new Map(budgets.map((budget) => [budget.id, budget]));
  } catch (error) {
    if (error instanceof CliFailure && error.facts.code === 'ledger_unavailable') return undefined;
    throw error;
  }
}

const BAR_WIDTH = 24;
type Shown = Budget & { readonly status: Status | null };

/** Only for drawing: money itself stays text. */
function barOf({ spent, reserved, amount }: Status): string {
  const whole = Number(amount);
  return stackedBar(Number(spent) / whole, Number(reserved) / whole, BAR_WIDTH);
}

const COLUMNS: readonly Column<Shown>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'owner', cell: ({ owner }) => ownerText(owner) },
  { title: 'of', cell: ({ model, provider }) => [model, provider].filter((part) => part !== null).join(' at ') || 'all' },
  { title: 'per', cell: ({ window }) => window },
  { title: 'kind', cell: ({ enforcement, mode }) => (mode === 'observe' ? 'observe' : enforcement) },
  { title: 'budget', align: 'right', cell: ({ dollars, status }) => `$${status?.amount ?? dollars}` },
  { title: 'spent', align: 'right', cell: ({ status }) => (status === null ? '–' : `$${status.spent}`) },
  { title: 'left', align: 'right', cell: ({ status }) => (status === null ? '–' : `$${status.left}`) },
  { title: 'spent █ held ▒', cell: ({ status }) => (status === null ? '' : barOf(status)) },
  { title: 'resets', cell: ({ status }) => (typeof status?.resets_at === 'string' ? moment(status.resets_at) : '–') },
];

function listText(budgets: readonly Shown[], hasStatus: boolean): string {
  const note = hasStatus ? '' : 'The ledger does not answer, so what was spent is not known. See: bulkhead doctor\n';
  return (table(COLUMNS, budgets) || 'No budgets. Set one with: bulkhead budget set 500 --team default\n') + note;
}

function showText(budget: Shown): string {
  const { status, raises, thresholds } = budget;
  const lines = facts([
    ...COLUMNS.map((column) => [column.title, column.cell(budget)] as const),
    ['held', status === null ? '–' : `$${status.reserved}`],
    ['time zone', budget.time_zone ?? '–'],
    ['alerts at', thresholds.map((percent) => `${percent} %`).join(', ') || 'never'],
    ['since', moment(budget.created_at)],
  ]);
  const more = raises.map(({ dollars, until, reason }) => `  raised by $${dollars} until ${moment(until)}: ${reason}\n`);
  return lines + more.join('');
}

function writtenText({ id, owner, dollars, window, time_zone, enforcement, mode, cut, applied }: Written): string {
  const kind = mode === 'observe' ? 'is watched for' : enforcement === 'soft' ? 'is alerted about' : 'may spend';
  const zone = time_zone === null ? '' : ` (${time_zone})`;
  const below = cut.length === 0 ? '' : `Cut down with it: ${cut.join(', ')}.\n`;
  return `${id}: ${ownerText(owner)} ${kind} $${dollars} per ${window}${zone}.\n${below}${appliedText(applied)}`;
}

function raiseCommand(context: CliContext): Command {
  return withCommon(
    new Command('raise')
      .description('add to a budget until a time')
      .argument('<id>', 'of the budget')
      .argument('<dollars>', 'how much more'),
  )
    .requiredOption('--until <time>', 'when it ends: from now, such as 7d, or an RFC 3339 instant')
    .requiredOption('--reason <text>', 'why, for the log and for who reads the budget')
    .action(async (id: string, dollars: string, { until, reason, ...options }: RaiseOptions) => {
      const body = { dollars: amountOf(dollars), until: instantOf(until, '--until'), reason };
      const raised = await clientOf(context, options).call('budgets.raise', { path: { id }, body });
      present(
        context,
        options,
        raised,
        ({ owner, applied }) => `${ownerText(owner)} may spend $${body.dollars} more until ${moment(body.until)}.\n${appliedText(applied)}`,
      );
    });
}

function alertsCommand(context: CliContext): Command {
  return withCommon(new Command('alerts').description('budgets that reached a threshold, and what else should be looked at'))
    .option('--limit <count>', 'most alerts', '50')
    .action(async ({ limit, ...options }: CommonOptions & { readonly limit: string }) =>
      present(
        context,
        options,
        await clientOf(context, options).call('alerts.list', { query: { limit } }),
        ({ alerts }) =>
          table(
            [
              { title: 'time', cell: ({ at }) => moment(at) },
              { title: 'what', cell: ({ kind }) => kind },
              { title: 'owner', cell: ({ owner }) => (owner === null ? '–' : ownerText(owner)) },
              { title: 'at', align: 'right', cell: ({ percent }) => (percent === null ? '–' : `${percent} %`) },
              { title: 'spent', align: 'right', cell: ({ spent, amount }) => (spent === null ? '–' : `$${spent} of $${amount ?? '?'}`) },
              { title: 'rule', cell: ({ rule, code, count: many }) => rule ?? code ?? (many === null ? '–' : `${many} reservations`) },
            ],
            alerts,
          ) || 'No alerts.\n',
      ),
    );
}
