import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { count, limitWindow } from '../duration.ts';
import { CliFailure, usageError } from '../failure.ts';
import { ownerOf, ownerQuery, ownerText, withOwner, type OwnerOptions } from '../owner-options.ts';
import { grouped, moment, stackedBar, table, type Column } from '../table.ts';

type Limit = ReplyOf<'limits.list'>['limits'][number];
type Written = ReplyOf<'limits.create'>;
type Status = ReplyOf<'admission.status'>['limits'][number];

const MEASURES = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['inputTokens', 'input_tokens'],
  ['outputTokens', 'output_tokens'],
  ['parallel', 'parallel'],
] as const;

type Amounts = Partial<Record<(typeof MEASURES)[number][0], string>>;

interface AddOptions extends CommonOptions, OwnerOptions, Amounts {
  readonly per?: string;
  readonly observe?: true;
  readonly cut?: true;
}

interface ChangeOptions extends CommonOptions {
  readonly amount?: string;
  readonly per?: string;
  readonly observe?: true;
  readonly enforce?: true;
  readonly cut?: true;
}

/** `bulkhead limit`: how much of what an owner may use in a time. */
export function limitCommand(context: CliContext): Command {
  const limit = new Command('limit').description('limit requests, tokens and parallel requests of an owner or a model');
  limit.addCommand(addCommand(context));
  limit.addCommand(listCommand(context));
  limit.addCommand(changeCommand(context));
  limit.addCommand(
    withCommon(new Command('remove').description('remove a limit, with its shares').argument('<id>', 'of the limit')).action(
      async (id: string, options: CommonOptions) => {
        const removed = await clientOf(context, options).call('limits.remove', { path: { id } });
        present(context, options, removed, ({ applied }) => `The limit ${id} is removed.\n${appliedText(applied)}`);
      },
    ),
  );
  for (const command of shareCommands(context)) limit.addCommand(command);
  return limit;
}

function addCommand(context: CliContext): Command {
  return withOwner(withCommon(new Command('add').description('limit an owner, a model, or an owner for a model')))
    .option('--model <alias>', 'count only this model, a prefix with /*; alone: everyone, for this model')
    .option('--requests <count>', 'requests in any --per')
    .option('--tokens <count>', 'tokens in any --per')
    .option('--input-tokens <count>', 'input tokens in any --per')
    .option('--output-tokens <count>', 'output tokens in any --per')
    .option('--parallel <count>', 'requests in flight at any time')
    .option('--per <time>', 'sliding window: second, minute, hour or day, or so many of them, such as 30s, 5m, 2h, 7d', 'minute')
    .option('--observe', 'count and report, refuse nothing')
    .option('--cut', 'cut limits below that would allow more')
    .action(async (options: AddOptions) => {
      const client = clientOf(context, options);
      const made: Written[] = [];
      for (const body of bodiesOf(options)) made.push(await client.call('limits.create', { body }));
      present(context, options, { limits: made }, ({ limits }) => limits.map(writtenText).join(''));
    });
}

/** One limit for each measure that is given. */
function bodiesOf(options: AddOptions) {
  const owner = ownerOf(options);
  const given = MEASURES.flatMap(([option, measure]) => {
    const amount = options[option];
    return amount === undefined ? [] : [{ measure, amount: count(amount, `--${measure.replace('_', '-')}`) }];
  });
  if (given.length === 0) throw usageError('Nothing is limited.', 'Give amounts, such as --requests 600 --tokens 100000 --parallel 8.');
  return given.map(({ measure, amount }) => ({
    owner,
    measure,
    amount,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(measure === 'parallel' || options.per === undefined ? {} : { window: limitWindow(options.per) }),
    ...(options.observe === true ? { mode: 'observe' as const } : {}),
    cut: options.cut === true,
  }));
}

function changeCommand(context: CliContext): Command {
  return withCommon(
    new Command('change').description('change a limit; what was used so far goes on counting').argument('<id>', 'of the limit'),
  )
    .option('--amount <count>', 'the new amount')
    .option('--per <time>', 'the new window: second, minute, hour or day, or such as 30s')
    .option('--observe', 'count and report, refuse nothing')
    .option('--enforce', 'refuse what goes beyond')
    .option('--cut', 'cut limits below that would allow more')
    .action(async (id: string, { amount, per, observe, enforce, cut, ...options }: ChangeOptions) => {
      if (observe === true && enforce === true) throw usageError('It cannot do both.', 'Give --observe or --enforce.');
      const body = {
        ...(amount === undefined ? {} : { amount: count(amount, '--amount') }),
        ...(per === undefined ? {} : { window: limitWindow(per) }),
        ...(observe === true ? { mode: 'observe' as const } : enforce === true ? { mode: 'enforce' as const } : {}),
        cut: cut === true,
      };
      present(context, options, await clientOf(context, options).call('limits.update', { path: { id }, body }), writtenText);
    });
}

function listCommand(context: CliContext): Command {
  return withOwner(withCommon(new Command('list').description('list limits and what is left of them')))
    .option('--model <alias>', 'only those for this model')
    .action(async (options: CommonOptions & OwnerOptions) => {
      const client = clientOf(context, options);
      const { limits } = await client.call('limits.list', { query: { ...ownerQuery(options), model: options.model } });
      const status = await statusOf(client, options);
      const shown = limits.map((limit) => ({ ...limit, status: status?.get(limit.id) ?? null }));
      present(context, options, { limits: shown }, () => listText(shown, status !== undefined));
    });
}

/** By rule; undefined while the ledger does not answer, for the rules themselves are in control. */
async function statusOf(client: AdminClient, options: OwnerOptions): Promise<ReadonlyMap<string, Status> | undefined> {
  try {
    const { limits } = await client.call('admission.status', { query: ownerQuery(options) });
    return new Map(limits.map((limit) => [limit.id, limit]));
  } catch (error) {
    if (error instanceof CliFailure && error.facts.code === 'ledger_unavailable') return undefined;
    throw error;
  }
}

const BAR_WIDTH = 20;
type Shown = Limit & { readonly status: Status | null };

const COLUMNS: readonly Column<Shown>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'owner', cell: ({ owner }) => ownerText(owner) },
  { title: 'model', cell: ({ model }) => model ?? 'all' },
  { title: 'measure', cell: ({ measure }) => measure.replace('_', ' ') },
  { title: 'amount', align: 'right', cell: ({ amount }) => grouped(amount) },
  { title: 'per', cell: ({ window }) => window ?? '–' },
  { title: 'mode', cell: ({ mode }) => mode },
  { title: 'used', align: 'right', cell: ({ status }) => (status === null ? '–' : grouped(status.used)) },
  { title: '', cell: ({ status, amount }) => (status === null ? '' : stackedBar(status.used / amount, 0, BAR_WIDTH)) },
];

function listText(limits: readonly Shown[], hasStatus: boolean): string {
  const note = hasStatus ? '' : 'The ledger does not answer, so what is used is not known. See: bulkhead doctor\n';
  return (table(COLUMNS, limits) || 'No limits. Add one with: bulkhead limit add --team default --requests 600\n') + note;
}

function writtenText({ id, owner, model, measure, amount, window, mode, cut, applied }: Written): string {
  const what = `${grouped(amount)} ${measure.replace('_', ' ')}${window === null ? '' : ` in any ${window}`}`;
  const verb = mode === 'observe' ? 'is watched for' : 'may use';
  const below = cut.length === 0 ? '' : `Cut down with it: ${cut.join(', ')}.\n`;
  return `${id}: ${ownerText(owner)} ${verb} ${what}${model === null ? '' : ` of ${model}`}.\n${below}${appliedText(applied)}`;
}

/** What `applied` means for who waits at the terminal. */
export const appliedText = (applied: 'yes' | 'later'): string =>
  applied === 'yes' ? '' : 'It is stored, but not every process has it yet: it is sent again until it arrives. See: bulkhead doctor\n';

const shareCommands = (context: CliContext): readonly Command[] => [shareCommand(context), sharesCommand(context), unshareCommand(context)];

const shareCommand = (context: CliContext): Command =>
  withOwner(
    withCommon(
      new Command('share').description('keep a share of a limit for an owner; others cannot take it').argument('<id>', 'of the limit'),
    ),
  )
    .requiredOption('--percent <count>', 'of the limit, 1 to 100')
    .action(async (id: string, options: CommonOptions & OwnerOptions & { readonly percent: string }) => {
      const body = { owner: ownerOf(options), percent: count(options.percent, '--percent') };
      const made = await clientOf(context, options).call('shares.create', { path: { id }, body });
      present(
        context,
        options,
        made,
        (one) => `${one.id}: ${one.percent} % of ${id} are kept for ${ownerText(one.owner)}.\n${appliedText(one.applied)}`,
      );
    });

const sharesCommand = (context: CliContext): Command =>
  withCommon(new Command('shares').description('list shares of limits'))
    .option('--limit <id>', 'only of this limit')
    .action(async ({ limit, ...options }: CommonOptions & { readonly limit?: string }) => {
      present(
        context,
        options,
        await clientOf(context, options).call('shares.list', { query: { limit } }),
        ({ shares: all }) =>
          table(
            [
              { title: 'id', cell: ({ id }) => id },
              { title: 'limit', cell: ({ limit: of }) => of },
              { title: 'owner', cell: ({ owner }) => ownerText(owner) },
              { title: 'percent', align: 'right', cell: ({ percent }) => String(percent) },
              { title: 'since', cell: ({ created_at }) => moment(created_at) },
            ],
            all,
          ) || 'No shares. Keep one with: bulkhead limit share <limit> --team search --percent 30\n',
      );
    });

const unshareCommand = (context: CliContext): Command =>
  withCommon(new Command('unshare').description('give a share up').argument('<id>', 'of the share')).action(
    async (id: string, options: CommonOptions) =>
      present(
        context,
        options,
        await clientOf(context, options).call('shares.remove', { path: { id } }),
        ({ applied }) => `The share ${id} is given up.\n${appliedText(applied)}`,
      ),
  );
