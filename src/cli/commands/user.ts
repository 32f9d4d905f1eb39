import { Command } from 'commander';
import type { UserView } from '../../api/people.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { usageError } from '../failure.ts';
import { removedText } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type ListOptions = CommonOptions & {
  readonly organization?: string;
  readonly q?: string;
  readonly limit?: string;
  readonly after?: string;
};
type UpdateOptions = CommonOptions & { readonly name?: string; readonly email?: string };

const COLUMNS: readonly Column<UserView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'e-mail', cell: ({ email }) => email },
  { title: 'name', cell: ({ name }) => name },
  { title: 'organization', cell: ({ organization }) => organization ?? '–' },
  { title: 'state', cell: ({ state }) => state },
  { title: 'created', cell: ({ created_at }) => moment(created_at) },
];

const shown = (view: UserView): string => facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));
const changedText = (view: UserView & { readonly keys_changed: number }): string =>
  `${shown(view)}${view.keys_changed === 0 ? '' : `${view.keys_changed} keys were changed with it.\n`}`;

/** `bulkhead user`: the people who use keys and administer them. */
export function userCommand(context: CliContext): Command {
  const user = new Command('user').description('people: create, list, show, update, block, unblock, remove');
  const named = (name: string, what: string): Command => withCommon(new Command(name).description(what).argument('<user>', 'e-mail or id'));
  user.addCommand(createCommand(context));
  user.addCommand(listCommand(context));
  user.addCommand(
    named('show', 'show a person').action(async (id: string, options: CommonOptions) =>
      present(context, options, await clientOf(context, options).call('users.show', { path: { id } }), shown),
    ),
  );
  user.addCommand(
    named('update', 'change a person’s name or e-mail address')
      .option('--name <name>', 'another name')
      .option('--email <address>', 'another address')
      .action(async (id: string, { name, email, ...options }: UpdateOptions) => {
        if (name === undefined && email === undefined) throw usageError('Nothing to change.', 'Give --name or --email.');
        const body = { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
        present(context, options, await clientOf(context, options).call('users.update', { path: { id }, body }), changedText);
      }),
  );
  for (const [verb, state, what] of [
    ['block', 'blocked', 'block a person: tokens stop at once, and keys are blocked'],
    ['unblock', 'active', 'let a blocked person in again'],
  ] as const)
    user.addCommand(
      named(verb, what).action(async (id: string, options: CommonOptions) =>
        present(context, options, await clientOf(context, options).call('users.update', { path: { id }, body: { state } }), changedText),
      ),
    );
  user.addCommand(
    named('remove', 'remove a person, with tokens and roles; all keys are revoked first').action(
      async (id: string, options: CommonOptions) =>
        present(context, options, await clientOf(context, options).call('users.remove', { path: { id } }), (answer) =>
          removedText(id, answer),
        ),
    ),
  );
  return user;
}

const createCommand = (context: CliContext): Command =>
  withCommon(new Command('create').description('create a person').argument('<email>'))
    .requiredOption('--name <name>', 'what people call them')
    .option('--organization <name>', 'whose administrators manage this person (default: those of the node)')
    .action(
      async (
        email: string,
        { name, organization, ...options }: CommonOptions & { readonly name: string; readonly organization?: string },
      ) => {
        const body = { email, name, ...(organization === undefined ? {} : { organization }) };
        const made = await clientOf(context, options).call('users.create', { body });
        present(
          context,
          options,
          made,
          (view) => `${shown(view)}Give a role with: bulkhead member set ${view.email} member --team default\n`,
        );
      },
    );

const listCommand = (context: CliContext): Command =>
  withCommon(new Command('list').description('list people'))
    .option('--organization <name>', 'only of this organization')
    .option('--q <text>', 'beginning of the e-mail address')
    .option('--limit <count>', 'most people')
    .option('--after <id>', 'the page after this one')
    .action(async ({ organization, q, limit, after, ...options }: ListOptions) =>
      present(
        context,
        options,
        await clientOf(context, options).call('users.list', { query: { organization, q, limit, after } }),
        ({ users, next }) =>
          (table(COLUMNS, users) || 'No people. Create one with: bulkhead user create ada@example.com --name Ada\n') +
          (next === null ? '' : `There are more: --after ${next}\n`),
      ),
    );
