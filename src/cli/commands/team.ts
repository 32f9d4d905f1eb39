import { Command } from 'commander';
import type { TeamView } from '../../api/tenancy.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { usageError } from '../failure.ts';
import { teamId } from '../lookups.ts';
import { changedText, modelsIn, modelsText, removedText, withModels, type ModelOptions } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type Options = CommonOptions & { readonly organization?: string };
type WriteOptions = Options & ModelOptions & { readonly name?: string; readonly keysPerMember?: string; readonly cut?: true };

const COLUMNS: readonly Column<TeamView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'organization', cell: ({ organization }) => organization },
  { title: 'models', cell: ({ models }) => modelsText(models) },
  { title: 'keys a member', align: 'right', cell: ({ keys_per_member }) => String(keys_per_member) },
  { title: 'created', cell: ({ created_at }) => moment(created_at) },
];

const shown = (view: TeamView): string => facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));

function keysIn({ keysPerMember }: WriteOptions): { readonly keys_per_member?: number } {
  if (keysPerMember === undefined) return {};
  if (/^\d{1,5}$/.test(keysPerMember)) return { keys_per_member: Number(keysPerMember) };
  throw usageError('--keys-per-member is not a whole number.', 'Write it like --keys-per-member 10.');
}

const inOrganization = (command: Command): Command =>
  withCommon(command).option('--organization <name>', 'organization, by id or name (default: default)');
const named = (name: string, what: string): Command => inOrganization(new Command(name).description(what).argument('<team>', 'id or name'));

/** `bulkhead team`: teams of an organization. */
export function teamCommand(context: CliContext): Command {
  const team = new Command('team').description('teams: create, list, show, update, remove');
  for (const make of [createCommand, listCommand, showCommand, updateCommand, removeCommand]) team.addCommand(make(context));
  return team;
}

const createCommand = (context: CliContext): Command =>
  withModels(inOrganization(new Command('create').description('create a team').argument('<name>')))
    .option('--keys-per-member <count>', 'keys that each member may have by self-service')
    .action(async (name: string, options: WriteOptions) => {
      const { models } = modelsIn(options);
      const { organization } = options;
      const body = {
        name,
        ...(organization === undefined ? {} : { organization }),
        ...(models === undefined || models === null ? {} : { models }),
        ...keysIn(options),
      };
      present(context, options, await clientOf(context, options).call('teams.create', { body }), shown);
    });

const listCommand = (context: CliContext): Command =>
  withCommon(new Command('list').description('list teams'))
    .option('--organization <name>', 'only of this organization')
    .action(async ({ organization, ...options }: Options) =>
      present(context, options, await clientOf(context, options).call('teams.list', { query: { organization } }), ({ teams }) =>
        table(COLUMNS, teams),
      ),
    );

const showCommand = (context: CliContext): Command =>
  named('show', 'show a team').action(async (asked: string, options: Options) => {
    const client = clientOf(context, options);
    const id = await teamId(client, asked, options.organization);
    present(context, options, await client.call('teams.show', { path: { id } }), shown);
  });

const updateCommand = (context: CliContext): Command =>
  withModels(named('update', 'change a team, and what lies below it accordingly'))
    .option('--name <name>', 'another name')
    .option('--keys-per-member <count>', 'keys that each member may have by self-service')
    .option('--cut', 'cut down what lies below and would allow more')
    .action(async (asked: string, options: WriteOptions) => {
      const client = clientOf(context, options);
      const id = await teamId(client, asked, options.organization);
      const { name } = options;
      const body = { ...(name === undefined ? {} : { name }), ...modelsIn(options), ...keysIn(options), cut: options.cut === true };
      const changed = await client.call('teams.update', { path: { id }, body });
      present(context, options, changed, (view) => changedText(`The team ${view.name}`, view));
    });

const removeCommand = (context: CliContext): Command =>
  named('remove', 'remove a team; all its keys are revoked first').action(async (asked: string, options: Options) => {
    const client = clientOf(context, options);
    const id = await teamId(client, asked, options.organization);
    present(context, options, await client.call('teams.remove', { path: { id } }), (removed) => removedText(`The team ${asked}`, removed));
  });
