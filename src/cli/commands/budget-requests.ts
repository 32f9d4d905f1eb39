import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { instantOf } from '../duration.ts';
import { ownerOf, ownerText, withOwner, type OwnerOptions } from '../owner-options.ts';
import { moment, table, type Column } from '../table.ts';
import { appliedText } from './limit.ts';

type Request = ReplyOf<'budget-requests.list'>['requests'][number];

interface AskOptions extends CommonOptions, OwnerOptions {
  readonly until: string;
  readonly reason: string;
}

interface GrantOptions extends CommonOptions {
  readonly budget?: string;
  readonly dollars?: string;
  readonly until?: string;
  readonly answer?: string;
}

/** `bulkhead budget request` and what administrators do with requests. */
export const budgetRequestCommands = (context: CliContext): readonly Command[] => [
  askCommand(context),
  listCommand(context),
  grantCommand(context),
  denyCommand(context),
];

function askCommand(context: CliContext): Command {
  return withOwner(withCommon(new Command('request').description('ask for more').argument('<dollars>', 'how much more, such as 100')))
    .requiredOption('--until <time>', 'until when: from now, such as 7d, or an RFC 3339 instant')
    .requiredOption('--reason <text>', 'what it is for')
    .action(async (dollars: string, options: AskOptions) => {
      const body = { owner: ownerOf(options), dollars, until: instantOf(options.until, '--until'), reason: options.reason };
      present(
        context,
        options,
        await clientOf(context, options).call('budget-requests.create', { body }),
        ({ id, owner }) =>
          `${id}: asked for $${dollars} more for ${ownerText(owner)}. An administrator grants it with: bulkhead budget grant ${id}\n`,
      );
    });
}

function listCommand(context: CliContext): Command {
  return withCommon(new Command('requests').description('list requests for more'))
    .option('--state <state>', 'open, granted, denied or all', 'open')
    .action(async ({ state, ...options }: CommonOptions & { readonly state: string }) =>
      present(
        context,
        options,
        await clientOf(context, options).call('budget-requests.list', { query: { state } }),
        ({ requests }) => table(COLUMNS, requests) || 'No requests.\n',
      ),
    );
}

const COLUMNS: readonly Column<Request>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'owner', cell: ({ owner }) => ownerText(owner) },
  { title: 'more', align: 'right', cell: ({ dollars }) => `$${dollars}` },
  { title: 'until', cell: ({ until }) => moment(until) },
  { title: 'asked by', cell: ({ asked_by }) => asked_by },
  { title: 'asked', cell: ({ asked_at }) => moment(asked_at) },
  { title: 'state', cell: ({ state }) => state },
  { title: 'reason', cell: ({ reason, answer }) => (answer === null ? reason : `${reason} → ${answer}`) },
];

function grantCommand(context: CliContext): Command {
  return withCommon(new Command('grant').description('grant a request: raises the budget until its end').argument('<id>', 'of the request'))
    .option('--budget <id>', 'which one to raise, where the owner has several')
    .option('--dollars <dollars>', 'another amount than was asked for')
    .option('--until <time>', 'another end than was asked for')
    .option('--answer <text>', 'what to say to who asked')
    .action(async (id: string, { budget, dollars, until, answer, ...options }: GrantOptions) => {
      const body = {
        ...(budget === undefined ? {} : { budget }),
        ...(dollars === undefined ? {} : { dollars }),
        ...(until === undefined ? {} : { until: instantOf(until, '--until') }),
        ...(answer === undefined ? {} : { answer }),
      };
      const granted = await clientOf(context, options).call('budget-requests.grant', { path: { id }, body });
      present(
        context,
        options,
        granted,
        ({ owner, applied, budget: raised }) =>
          `Granted: the budget ${raised ?? ''} of ${ownerText(owner)} is raised.\n${appliedText(applied)}`,
      );
    });
}

function denyCommand(context: CliContext): Command {
  return withCommon(new Command('deny').description('deny a request').argument('<id>', 'of the request'))
    .option('--answer <text>', 'what to say to who asked')
    .action(async (id: string, { answer, ...options }: CommonOptions & { readonly answer?: string }) => {
      const body = answer === undefined ? {} : { answer };
      const denied = await clientOf(context, options).call('budget-requests.deny', { path: { id }, body });
      present(context, options, denied, ({ owner }) => `Denied: nothing changes for ${ownerText(owner)}.\n`);
    });
}
