import { Command } from 'commander';
import type { AccessGroupView } from '../../api/tenancy.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { listOf } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type ModelsOption = CommonOptions & { readonly models: string };

const COLUMNS: readonly Column<AccessGroupView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => `@${name}` },
  { title: 'models', cell: ({ models }) => models.join(', ') },
  { title: 'created', cell: ({ created_at }) => moment(created_at) },
];

const shown = (view: AccessGroupView): string => facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));

/** A group is written `@name` where models are listed; both forms name it here. */
const plain = (asked: string): string => asked.replace(/^@/, '');

const named = (name: string, what: string): Command => withCommon(new Command(name).description(what).argument('<group>', 'id or name'));

/** `bulkhead access-group`: named lists of models. */
export function accessGroupCommand(context: CliContext): Command {
  const group = new Command('access-group').description('access groups, named lists of models: create, list, show, update, remove');
  for (const make of [createCommand, listCommand, showCommand, updateCommand, removeCommand]) group.addCommand(make(context));
  return group;
}

const createCommand = (context: CliContext): Command =>
  withCommon(new Command('create').description('create an access group').argument('<name>'))
    .requiredOption('--models <list>', 'models, comma-separated, such as fast,openai/*')
    .action(async (name: string, { models, ...options }: ModelsOption) => {
      const body = { name: plain(name), models: listOf(models) };
      const made = await clientOf(context, options).call('access-groups.create', { body });
      present(context, options, made, (view) => `${shown(view)}Use it with: bulkhead key create --name my-app --models @${view.name}\n`);
    });

const listCommand = (context: CliContext): Command =>
  withCommon(new Command('list').description('list access groups')).action(async (options: CommonOptions) =>
    present(
      context,
      options,
      await clientOf(context, options).call('access-groups.list'),
      ({ access_groups }) =>
        table(COLUMNS, access_groups) || 'No access groups. Create one with: bulkhead access-group create cheap --models fast\n',
    ),
  );

const showCommand = (context: CliContext): Command =>
  named('show', 'show an access group').action(async (asked: string, options: CommonOptions) =>
    present(context, options, await clientOf(context, options).call('access-groups.show', { path: { id: plain(asked) } }), shown),
  );

const updateCommand = (context: CliContext): Command =>
  named('update', 'change what a group holds, for every key that names it')
    .requiredOption('--models <list>', 'models, comma-separated, such as fast,openai/*')
    .action(async (asked: string, { models, ...options }: ModelsOption) => {
      const call = { path: { id: plain(asked) }, body: { models: listOf(models) } };
      const changed = await clientOf(context, options).call('access-groups.update', call);
      present(context, options, changed, ({ keys_changed, ...view }) => `${shown(view)}${keys_changed} keys were written anew.\n`);
    });

const removeCommand = (context: CliContext): Command =>
  named('remove', 'remove an access group that nothing names').action(async (asked: string, options: CommonOptions) =>
    present(
      context,
      options,
      await clientOf(context, options).call('access-groups.remove', { path: { id: plain(asked) } }),
      () => `The access group ${asked} is removed.\n`,
    ),
  );
