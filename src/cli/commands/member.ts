import { Command } from 'commander';
import type { MemberView } from '../../api/people.ts';
import type { BodyInputOf } from '../../api/operations.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { usageError } from '../failure.ts';
import type { Place } from '../lookups.ts';
import { withPlace } from '../place-options.ts';
import { facts, moment, table, type Column } from '../table.ts';

type Role = BodyInputOf<'members.put'>['role'];

/** In the order of their power. */
const ROLE_WORDS = ['platform_admin', 'platform_viewer', 'org_admin', 'team_admin', 'member', 'viewer'] as const satisfies readonly Role[];

const COLUMNS: readonly Column<MemberView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'e-mail', cell: ({ email }) => email },
  { title: 'role', cell: ({ role }) => role },
  { title: 'organization', cell: ({ organization }) => organization ?? 'the whole node' },
  { title: 'team', cell: ({ team }) => team ?? '–' },
  { title: 'since', cell: ({ created_at }) => moment(created_at) },
];

function roleOf(text: string): Role {
  const role = ROLE_WORDS.find((known) => known === text.replace('-', '_'));
  if (role === undefined) throw usageError(`There is no role ${text}.`, `Use one of ${ROLE_WORDS.join(', ')}.`);
  return role;
}

/** `bulkhead member`: who has which role where. */
export function memberCommand(context: CliContext): Command {
  const member = new Command('member').description('roles: set, list, remove');
  for (const make of [setCommand, listCommand, removeCommand]) member.addCommand(make(context));
  return member;
}

const setCommand = (context: CliContext): Command =>
  withPlace(
    withCommon(
      new Command('set')
        .description('give a person a role, instead of the one that they had there')
        .argument('<user>', 'e-mail or id')
        .argument('<role>', ROLE_WORDS.join(', ')),
    ),
  ).action(async (user: string, role: string, options: CommonOptions & Place) => {
    const body = { user, role: roleOf(role), ...placeFor(options) };
    const view = await clientOf(context, options).call('members.put', { body });
    present(context, options, view, (shown) => facts(COLUMNS.map((column) => [column.title, column.cell(shown)] as const)));
  });

const listCommand = (context: CliContext): Command =>
  withPlace(withCommon(new Command('list').description('list who has which role where')))
    .option('--user <user>', 'only of this person')
    .action(async ({ organization, team, user, ...options }: CommonOptions & Place & { readonly user?: string }) =>
      present(
        context,
        options,
        await clientOf(context, options).call('members.list', { query: { organization, team, user } }),
        ({ members }) => table(COLUMNS, members) || 'No roles. Give one with: bulkhead member set ada@example.com member --team default\n',
      ),
    );

const removeCommand = (context: CliContext): Command =>
  withCommon(new Command('remove').description('take a role away').argument('<id>', 'of the role; see: bulkhead member list')).action(
    async (id: string, options: CommonOptions) =>
      present(
        context,
        options,
        await clientOf(context, options).call('members.remove', { path: { id } }),
        ({ keys_revoked: keys }) => `The role ${id} is taken away${keys === 0 ? '' : `, and ${keys} keys with it`}.\n`,
      ),
  );

/** A team without its organization is one of `default`. */
function placeFor({ organization, team }: Place): Place {
  if (team !== undefined) return { organization: organization ?? 'default', team };
  return organization === undefined ? {} : { organization };
}
