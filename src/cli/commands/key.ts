import { Command } from 'commander';
import type { KeyView } from '../../api/keys.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { seconds } from '../duration.ts';
import { expiry, keyBody, withKeyOptions, type KeyOptions } from '../key-options.ts';
import { CliFailure, usageError } from '../failure.ts';
import { facts, moment, table, type Column } from '../table.ts';
import { keyChangeCommands } from './key-changes.ts';

interface CreateOptions extends CommonOptions, KeyOptions {
  readonly name: string;
  readonly organization?: string;
  readonly team?: string;
  readonly project?: string;
  readonly user?: string;
  readonly serviceAccount?: string;
  readonly kind?: string;
  readonly env?: string;
}

interface ListOptions extends CommonOptions {
  readonly state?: string;
  readonly team?: string;
  readonly organization?: string;
  readonly project?: string;
  readonly user?: string;
  readonly serviceAccount?: string;
  readonly q?: string;
  readonly limit?: string;
  readonly after?: string;
}

/** `bulkhead key`: the virtual keys that clients send. */
export function keyCommand(context: CliContext): Command {
  const key = new Command('key').description('create, list, show, update, block, revoke and rotate virtual keys');
  key.addCommand(createCommand(context));
  key.addCommand(listCommand(context));
  key.addCommand(
    withCommon(new Command('show').description('show one virtual key').argument('<key>', 'id or name')).action(
      async (asked: string, options: CommonOptions) => {
        const client = clientOf(context, options);
        present(context, options, await client.call('keys.show', { path: { id: await keyId(client, asked) } }), keyFacts);
      },
    ),
  );
  for (const command of keyChangeCommands(context, keyId)) key.addCommand(command);
  key.addCommand(
    withCommon(
      new Command('revoke').description('revoke a virtual key; returns when every process refuses it').argument('<key>', 'id or name'),
    ).action(async (asked: string, options: CommonOptions) => revoke(context, asked, options)),
  );
  key.addCommand(
    withCommon(
      new Command('rotate').description('replace a virtual key; the old one works on for a grace time').argument('<key>', 'id or name'),
    )
      .option('--grace <time>', 'how long the old key works on, such as 0s, 12h, 7d', '1d')
      .action(async (asked: string, options: CommonOptions & { readonly grace: string }) => rotate(context, asked, options)),
  );
  return key;
}

function listCommand(context: CliContext): Command {
  return withCommon(new Command('list').description('list virtual keys, newest first'))
    .option('--state <state>', 'active, blocked, expired, revoked or all', 'all')
    .option('--organization <name>', 'only of this organization')
    .option('--team <name>', 'only of this team')
    .option('--project <name>', 'only of this project')
    .option('--user <user>', 'only of this member, by e-mail or id')
    .option('--service-account <name>', 'only of this service account')
    .option('--q <text>', 'beginning of the name')
    .option('--limit <count>', 'most keys')
    .option('--after <id>', 'the page after this one')
    .action(async ({ state, organization, team, project, user, serviceAccount, q, limit, after, ...options }: ListOptions) => {
      const query = { state, organization, team, project, user, service_account: serviceAccount, q, limit, after };
      present(
        context,
        options,
        await clientOf(context, options).call('keys.list', { query }),
        ({ keys, next }) => keyTable(keys) + (next === null ? '' : `There are more: --after ${next}\n`),
      );
    });
}

function createCommand(context: CliContext): Command {
  return withKeyOptions(withCommon(new Command('create').description('create a virtual key; its text is shown this once')))
    .requiredOption('--name <name>', 'what people call it')
    .option('--organization <name>', 'organization it belongs to (default: default)')
    .option('--team <name>', 'team it belongs to (default: default)')
    .option('--project <name>', 'project it belongs to')
    .option('--user <user>', 'member it belongs to, by e-mail or id')
    .option('--service-account <name>', 'service account it belongs to, instead of a member')
    .option('--kind <kind>', 'llm: calls models; read: lists and reports; admin: the admin API, for its team (default: llm)')
    .option('--env <env>', 'second part of the key: bh_<env>_… (default: live)')
    .action(async (options: CreateOptions) => {
      const created = await clientOf(context, options).call('keys.create', { body: createBody(options) });
      present(context, options, created, ({ key, ...view }) => `${key}\n\nThis is the only time the key is shown.\n\n${keyFacts(view)}`);
    });
}

function createBody(options: CreateOptions) {
  const { name, organization, team, project, user, serviceAccount, kind, env, expires } = options;
  return {
    name,
    ...(organization === undefined ? {} : { organization }),
    ...(team === undefined ? {} : { team }),
    ...(project === undefined ? {} : { project }),
    ...(user === undefined ? {} : { user }),
    ...(serviceAccount === undefined ? {} : { service_account: serviceAccount }),
    ...(kind === undefined ? {} : { kind: kindOf(kind) }),
    ...(env === undefined ? {} : { environment: env }),
    ...(expires === undefined ? {} : expiry(expires)),
    ...keyBody(options),
  };
}

const KINDS = ['llm', 'read', 'admin'] as const;

function kindOf(text: string): (typeof KINDS)[number] {
  const kind = KINDS.find((known) => known === text);
  if (kind === undefined) throw usageError(`There is no kind of key ${text}.`, `Use one of ${KINDS.join(', ')}.`);
  return kind;
}

/** Keys are named by people; the API takes ids. An active key is meant before one that no longer works. */
async function keyId(client: AdminClient, asked: string): Promise<string> {
  if (asked.startsWith('key_')) return asked;
  if (asked.startsWith('bh_'))
    throw usageError(
      'This is a key’s secret text, not its name.',
      'Name the key by its id or name; see: bulkhead key list. What is typed here stays in the shell’s history: revoke that key.',
    );
  const { keys } = await client.call('keys.list', { query: { q: asked } });
  const named = keys.filter(({ name }) => name === asked);
  const active = named.filter(({ state }) => state === 'active');
  const [only, ...more] = active.length > 0 ? active : named;
  if (only === undefined)
    throw new CliFailure({
      code: 'resource_missing',
      message: `There is no key named ${asked}.`,
      remedy: 'List them with: bulkhead key list.',
    });
  if (more.length === 0) return only.id;
  throw new CliFailure({
    code: 'ambiguous',
    message: `${1 + more.length} keys are named ${asked}.`,
    remedy: `Name one by its id: ${[only, ...more].map(({ id }) => id).join(', ')}.`,
  });
}

async function revoke(context: CliContext, asked: string, options: CommonOptions): Promise<void> {
  const client = clientOf(context, options);
  const revoked = await client.call('keys.revoke', { path: { id: await keyId(client, asked) } });
  present(context, options, revoked, ({ name, id, confirmations }) => {
    const told = confirmations.map(
      ({ process, confirmed, action }) =>
        `  ${process}: ${confirmed ? 'refuses it' : action === 'restarted' ? 'did not confirm and was restarted' : action}\n`,
    );
    return `The key ${name} (${id}) is revoked.\n${told.join('')}`;
  });
}

async function rotate(context: CliContext, asked: string, options: CommonOptions & { readonly grace: string }): Promise<void> {
  const client = clientOf(context, options);
  const grace = seconds(options.grace, '--grace');
  const rotated = await client.call('keys.rotate', { path: { id: await keyId(client, asked) }, body: { grace_seconds: grace } });
  present(context, options, rotated, ({ key, replaced, ...view }) => {
    const until = replaced.expires_at === null ? 'now on' : moment(replaced.expires_at);
    return `${key}\n\nThis is the only time the new key is shown. The old one (${replaced.id}) ends ${until}.\n\n${keyFacts(view)}`;
  });
}

const COLUMNS: readonly Column<KeyView>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'key', cell: ({ hint }) => hint },
  { title: 'organization', cell: ({ organization, organization_name }) => organization_name ?? organization },
  { title: 'team', cell: ({ team, team_name }) => team_name ?? team },
  { title: 'state', cell: ({ state }) => state },
  { title: 'expires', cell: ({ expires_at }) => (expires_at === null ? 'never' : moment(expires_at)) },
  { title: 'models', cell: ({ models }) => models?.join(', ') ?? 'all' },
];

const keyTable = (keys: readonly KeyView[]): string =>
  table(COLUMNS, keys) || 'No virtual keys yet. Create one with: bulkhead key create --name my-app\n';

const belongsTo = ({
  project,
  project_name,
  user,
  user_name,
  service_account,
  metadata,
}: KeyView): readonly (readonly [string, string])[] => {
  const words = Object.entries(metadata).map(([name, text]) => `${name}=${text}`);
  const all = {
    project: project_name ?? project,
    user: user_name ?? user,
    'service account': service_account,
    metadata: words.length === 0 ? null : words.join(', '),
  };
  return Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
};

const keyFacts = (view: KeyView): string =>
  facts([
    ...COLUMNS.map((column) => [column.title, column.cell(view)] as const),
    ['kind', view.kind],
    ...belongsTo(view),
    ['endpoints', view.endpoints?.join(', ') ?? 'all'],
    ['addresses', view.addresses?.join(', ') ?? 'anywhere'],
    ['parallel', view.max_parallel === null ? 'no limit' : String(view.max_parallel)],
    ['created', moment(view.created_at)],
    ...(view.revoked_at === null ? [] : [['revoked', moment(view.revoked_at)] as const]),
    ...(view.replaced_by === null ? [] : [['replaced by', view.replaced_by] as const]),
  ]);
