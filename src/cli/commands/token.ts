import { Command } from 'commander';
import type { TokenView } from '../../api/people.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { seconds } from '../duration.ts';
import { facts, moment, table, type Column } from '../table.ts';

type CreateOptions = CommonOptions & { readonly name: string; readonly user?: string; readonly expires?: string };

const COLUMNS: readonly Column<TokenView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'token', cell: ({ hint }) => hint },
  { title: 'user', cell: ({ user }) => user },
  { title: 'state', cell: ({ state }) => state },
  { title: 'expires', cell: ({ expires_at }) => (expires_at === null ? 'never' : moment(expires_at)) },
];

/** `bulkhead token`: personal tokens for the admin API. */
export function tokenCommand(context: CliContext): Command {
  const token = new Command('token').description('personal tokens for the admin API: create, list, revoke');
  for (const make of [createCommand, listCommand, revokeCommand]) token.addCommand(make(context));
  return token;
}

const createCommand = (context: CliContext): Command =>
  withCommon(new Command('create').description('create a token for a person; its text is shown this once'))
    .requiredOption('--name <name>', 'what it is for')
    .option('--user <user>', 'e-mail or id (default: oneself)')
    .option('--expires <time>', 'after this time, such as 30d, or at an RFC 3339 instant')
    .action(async ({ name, user, expires, ...options }: CreateOptions) => {
      const body = { name, ...(user === undefined ? {} : { user }), ...expiry(expires) };
      const created = await clientOf(context, options).call('tokens.create', { body });
      present(context, options, created, ({ token: text, ...view }) => {
        const lines = facts(COLUMNS.map((column) => [column.title, column.cell(view)] as const));
        return `${text}\n\nThis is the only time the token is shown. Use it with --token-file.\n\n${lines}`;
      });
    });

const listCommand = (context: CliContext): Command =>
  withCommon(new Command('list').description('list a person’s tokens'))
    .option('--user <user>', 'e-mail or id (default: oneself)')
    .action(async ({ user, ...options }: CommonOptions & { readonly user?: string }) =>
      present(
        context,
        options,
        await clientOf(context, options).call('tokens.list', { query: { user } }),
        ({ tokens }) =>
          table(COLUMNS, tokens) || 'No tokens. Create one with: bulkhead token create --name laptop --user ada@example.com\n',
      ),
    );

const revokeCommand = (context: CliContext): Command =>
  withCommon(new Command('revoke').description('revoke a token, at once').argument('<id>')).action(
    async (id: string, options: CommonOptions) =>
      present(
        context,
        options,
        await clientOf(context, options).call('tokens.revoke', { path: { id } }),
        ({ name }) => `The token ${name} (${id}) is revoked.\n`,
      ),
  );

function expiry(text: string | undefined): { readonly expires_at?: string; readonly expires_in_seconds?: number } {
  if (text === undefined) return {};
  return text.includes('T') ? { expires_at: text } : { expires_in_seconds: seconds(text, '--expires') };
}
