import { Command } from 'commander';
import type { ProjectView } from '../../api/tenancy.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { projectId, type Place } from '../lookups.ts';
import { changedText, modelsIn, modelsText, removedText, withModels, withPlace, type ModelOptions } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type Options = CommonOptions & Place;
type WriteOptions = Options & ModelOptions & { readonly name?: string; readonly cut?: true };

const COLUMNS: readonly Column<ProjectView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'organization', cell: ({ organization }) => organization },
  { title: 'team', cell: ({ team }) => team },
  { title: 'models', cell: ({ models }) => modelsText(models) },
  { title: 'created', cell: ({ created_at }) => moment(created_at) },
];

const shown = (view: ProjectView): string => facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));
const placeOf = ({ organization, team }: Place): Place => ({
  ...(organization === undefined ? {} : { organization }),
  ...(team === undefined ? {} : { team }),
});

const named = (name: string, what: string): Command =>
  withPlace(withCommon(new Command(name).description(what).argument('<project>', 'id or name')));

/** `bulkhead project`: projects of a team. */
export function projectCommand(context: CliContext): Command {
  const project = new Command('project').description('projects: create, list, show, update, remove');
  for (const make of [createCommand, listCommand, showCommand, updateCommand, removeCommand]) project.addCommand(make(context));
  return project;
}

const createCommand = (context: CliContext): Command =>
  withModels(withPlace(withCommon(new Command('create').description('create a project in a team').argument('<name>')))).action(
    async (name: string, options: WriteOptions) => {
      const { models } = modelsIn(options);
      const body = { name, ...placeOf(options), ...(models === undefined || models === null ? {} : { models }) };
      present(context, options, await clientOf(context, options).call('projects.create', { body }), shown);
    },
  );

const listCommand = (context: CliContext): Command =>
  withPlace(withCommon(new Command('list').description('list projects'))).action(async (options: Options) =>
    present(
      context,
      options,
      await clientOf(context, options).call('projects.list', { query: { ...placeOf(options) } }),
      ({ projects }) => table(COLUMNS, projects) || 'No projects. Create one with: bulkhead project create my-project\n',
    ),
  );

const showCommand = (context: CliContext): Command =>
  named('show', 'show a project').action(async (asked: string, options: Options) => {
    const client = clientOf(context, options);
    const id = await projectId(client, asked, placeOf(options));
    present(context, options, await client.call('projects.show', { path: { id } }), shown);
  });

const updateCommand = (context: CliContext): Command =>
  withModels(named('update', 'change a project, and its keys accordingly'))
    .option('--name <name>', 'another name')
    .option('--cut', 'cut down keys that would allow more')
    .action(async (asked: string, options: WriteOptions) => {
      const client = clientOf(context, options);
      const id = await projectId(client, asked, placeOf(options));
      const body = { ...(options.name === undefined ? {} : { name: options.name }), ...modelsIn(options), cut: options.cut === true };
      const changed = await client.call('projects.update', { path: { id }, body });
      present(context, options, changed, (view) => changedText(`The project ${view.name}`, view));
    });

const removeCommand = (context: CliContext): Command =>
  named('remove', 'remove a project; all its keys are revoked first').action(async (asked: string, options: Options) => {
    const client = clientOf(context, options);
    const id = await projectId(client, asked, placeOf(options));
    const removed = await client.call('projects.remove', { path: { id } });
    present(context, options, removed, (answer) => removedText(`The project ${asked}`, answer));
  });
