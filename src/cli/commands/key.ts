import { Command } from 'commander';
import type { KeyView } from '../../api/keys.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { seconds } from '../duration.ts';
import { CliFailure, usageError } from '../failure.ts';
import { facts, moment, table, type Column } from '../table.ts';

interface CreateOptions extends CommonOptions {
  readonly name: string;
  readonly organization?: string;
  readonly team?: string;
  readonly env?: string;
  readonly models?: string;
  readonly expires?: string;
  readonly maxParallel?: string;
}

interface ListOptions extends CommonOptions {
  readonly state?: string;
  readonly team?: string;
  readonly organization?: string;
}

/** `bulkhead key`: the virtual keys that clients send. */
export function keyCommand(context: CliContext): Command {
  const key = new Command('key').description('create, list, show, revoke and rotate virtual keys');
  key.addCommand(createCommand(context));
  key.addCommand(
    withCommon(new Command('list').description('list virtual keys'))
      .option('--state <state>', 'active, expired, revoked or all', 'all')
      .option('--organization <name>', 'only of this organization')
      .option('--team <name>', 'only of this team')
      .action(async ({ state, organization, team, ...options }: ListOptions) =>
        present(
          context,
          options,
          await clientOf(context, options).call('keys.list', { query: { state, organization, team } }),
          ({ keys }) => keyTable(keys),
        ),
      ),
  );
  key.addCommand(
    withCommon(new Command('show').description('show one virtual key').argument('<key>', 'id or name')).action(
      async (asked: string, options: CommonOptions) => {
        const client = clientOf(context, options);
        present(context, options, await client.call('keys.show', { path: { id: await keyId(client, asked) } }), keyFacts);
      },
    ),
  );
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

function createCommand(context: CliContext): Command {
  return withCommon(new Command('create').description('create a virtual key; its text is shown this once'))
    .requiredOption('--name <name>', 'what people call it')
    .option('--organization <name>', 'organization it belongs to (default: default)')
    .option('--team <name>', 'team it belongs to (default: default)')
    .option('--env <env>', 'second part of the key: bh_<env>_… (default: live)')
    .option('--models <list>', 'models it may use, comma-separated, such as fast,openai/*')
    .option('--expires <time>', 'after this time, such as 30d, or at an RFC 3339 instant')
    .option('--max-parallel <count>', 'requests in flight over all workers')
    .action(async (options: CreateOptions) => {
      const created = await clientOf(context, options).call('keys.create', { body: createBody(options) });
      present(context, options, created, ({ key, ...view }) => `${key}\n\nThis is the only time the key is shown.\n\n${keyFacts(view)}`);
    });
}

function createBody({ name, organization, team, env, models, expires, maxParallel }: CreateOptions) {
  return {
    name,
    ...(organization === undefined ? {} : { organization }),
    ...(team === undefined ? {} : { team }),
    ...(env === undefined ? {} : { environment: env }),
    ...(models === undefined ? {} : { models: models.split(',').map((model) => model.trim()) }),
    ...(expires === undefined ? {} : expiry(expires)),
    ...(maxParallel === undefined ? {} : { max_parallel: wholeNumber(maxParallel) }),
  };
}

const expiry = (text: string): { readonly expires_at: string } | { readonly expires_in_seconds: number } =>
  text.includes('T') ? { expires_at: text } : { expires_in_seconds: seconds(text, '--expires') };

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usageError('--max-parallel is not a whole number.', 'Write it like --max-parallel 8.');
}

/** Keys are named by people; the API takes ids. An active key is meant before one that no longer works. */
async function keyId(client: AdminClient, asked: string): Promise<string> {
  if (asked.startsWith('key_')) return asked;
  if (asked.startsWith('bh_'))
    throw usageError(
      'This is a key’s secret text, not its name.',
      'Name the key by its id or name; see: bulkhead key list. What is typed here stays in the shell’s history: revoke that key.',
    );
  const { keys } = await client.call('keys.list', {});
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
  { title: 'organization', cell: ({ organization }) => organization },
  { title: 'team', cell: ({ team }) => team },
  { title: 'state', cell: ({ state }) => state },
  { title: 'expires', cell: ({ expires_at }) => (expires_at === null ? 'never' : moment(expires_at)) },
  { title: 'models', cell: ({ models }) => models?.join(', ') ?? 'all' },
];

const keyTable = (keys: readonly KeyView[]): string =>
  table(COLUMNS, keys) || 'No virtual keys yet. Create one with: bulkhead key create --name my-app\n';

const keyFacts = (view: KeyView): string =>
  facts([
    ...COLUMNS.map((column) => [column.title, column.cell(view)] as const),
    ['parallel', view.max_parallel === null ? 'no limit' : String(view.max_parallel)],
    ['created', moment(view.created_at)],
    ...(view.revoked_at === null ? [] : [['revoked', moment(view.revoked_at)] as const]),
    ...(view.replaced_by === null ? [] : [['replaced by', view.replaced_by] as const]),
  ]);
