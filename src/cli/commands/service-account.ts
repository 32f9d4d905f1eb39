import { Command } from 'commander';
import type { ServiceAccountView } from '../../api/tenancy.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { serviceAccountId, type Place } from '../lookups.ts';
import { removedText, withPlace } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type Options = CommonOptions & Place;

const COLUMNS: readonly Column<ServiceAccountView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'organization', cell: ({ organization }) => organization },
  { title: 'team', cell: ({ team }) => team },
  { title: 'created', cell: ({ created_at }) => moment(created_at) },
];

const shown = (view: ServiceAccountView): string => facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));
const placeOf = ({ organization, team }: Place): Place => ({
  ...(organization === undefined ? {} : { organization }),
  ...(team === undefined ? {} : { team }),
});

const named = (name: string, what: string): Command =>
  withPlace(withCommon(new Command(name).description(what).argument('<account>', 'id or name')));

/** `bulkhead service-account`: programs of a team that have keys of their own. */
export function serviceAccountCommand(context: CliContext): Command {
  const account = new Command('service-account').description('service accounts: create, list, show, rename, remove');
  for (const make of [createCommand, listCommand, showCommand, renameCommand, removeCommand]) account.addCommand(make(context));
  return account;
}

const createCommand = (context: CliContext): Command =>
  withPlace(withCommon(new Command('create').description('create a service account of a team').argument('<name>'))).action(
    async (name: string, options: Options) => {
      const body = { name, ...placeOf(options) };
      present(context, options, await clientOf(context, options).call('service-accounts.create', { body }), shown);
    },
  );

const listCommand = (context: CliContext): Command =>
  withPlace(withCommon(new Command('list').description('list service accounts'))).action(async (options: Options) =>
    present(
      context,
      options,
      await clientOf(context, options).call('service-accounts.list', { query: { ...placeOf(options) } }),
      ({ service_accounts }) =>
        table(COLUMNS, service_accounts) || 'No service accounts. Create one with: bulkhead service-account create ci\n',
    ),
  );

const showCommand = (context: CliContext): Command =>
  named('show', 'show a service account').action(async (asked: string, options: Options) => {
    const client = clientOf(context, options);
    const id = await serviceAccountId(client, asked, placeOf(options));
    present(context, options, await client.call('service-accounts.show', { path: { id } }), shown);
  });

const renameCommand = (context: CliContext): Command =>
  named('rename', 'rename a service account')
    .requiredOption('--name <name>', 'the new name')
    .action(async (asked: string, options: Options & { readonly name: string }) => {
      const client = clientOf(context, options);
      const id = await serviceAccountId(client, asked, placeOf(options));
      present(context, options, await client.call('service-accounts.update', { path: { id }, body: { name: options.name } }), shown);
    });

const removeCommand = (context: CliContext): Command =>
  named('remove', 'remove a service account; all its keys are revoked first').action(async (asked: string, options: Options) => {
    const client = clientOf(context, options);
    const id = await serviceAccountId(client, asked, placeOf(options));
    const removed = await client.call('service-accounts.remove', { path: { id } });
    present(context, options, removed, (answer) => removedText(`The service account ${asked}`, answer));
  });
