import { Command } from 'commander';
import type { OrganizationView } from '../../api/tenancy.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { changedText, modelsIn, modelsText, removedText, withModels, type ModelOptions } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type UpdateOptions = CommonOptions & ModelOptions & { readonly name?: string; readonly cut?: true };

const COLUMNS: readonly Column<OrganizationView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'models', cell: ({ models }) => modelsText(models) },
  { title: 'created', cell: ({ created_at }) => moment(created_at) },
];

const shown = (view: OrganizationView): string => facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));

const named = (name: string, what: string): Command =>
  withCommon(new Command(name).description(what).argument('<organization>', 'id or name'));

/** `bulkhead org`: organizations, the outermost owners. */
export function orgCommand(context: CliContext): Command {
  const org = new Command('org').description('organizations: create, list, show, update, remove');
  for (const make of [createCommand, listCommand, showCommand, updateCommand, removeCommand]) org.addCommand(make(context));
  return org;
}

const createCommand = (context: CliContext): Command =>
  withModels(withCommon(new Command('create').description('create an organization, with a team `default`').argument('<name>'))).action(
    async (name: string, options: CommonOptions & ModelOptions) => {
      const { models } = modelsIn(options);
      const body = { name, ...(models === undefined || models === null ? {} : { models }) };
      present(context, options, await clientOf(context, options).call('organizations.create', { body }), shown);
    },
  );

const listCommand = (context: CliContext): Command =>
  withCommon(new Command('list').description('list organizations')).action(async (options: CommonOptions) =>
    present(context, options, await clientOf(context, options).call('organizations.list'), ({ organizations }) =>
      table(COLUMNS, organizations),
    ),
  );

const showCommand = (context: CliContext): Command =>
  named('show', 'show an organization').action(async (id: string, options: CommonOptions) =>
    present(context, options, await clientOf(context, options).call('organizations.show', { path: { id } }), shown),
  );

const updateCommand = (context: CliContext): Command =>
  withModels(named('update', 'change an organization, and what lies below it accordingly'))
    .option('--name <name>', 'another name')
    .option('--cut', 'cut down what lies below and would allow more')
    .action(async (id: string, options: UpdateOptions) => {
      const body = { ...(options.name === undefined ? {} : { name: options.name }), ...modelsIn(options), cut: options.cut === true };
      const changed = await clientOf(context, options).call('organizations.update', { path: { id }, body });
      present(context, options, changed, (view) => changedText(`The organization ${view.name}`, view));
    });

const removeCommand = (context: CliContext): Command =>
  named('remove', 'remove an organization; all its keys are revoked first').action(async (id: string, options: CommonOptions) =>
    present(context, options, await clientOf(context, options).call('organizations.remove', { path: { id } }), (removed) =>
      removedText(`The organization ${id}`, removed),
    ),
  );
