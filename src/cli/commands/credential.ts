import path from 'node:path';
import { Command } from 'commander';
import type { CredentialTried, CredentialView } from '../../api/credentials.ts';
import { seal } from '../../core/hpke-seal.ts';
import { isName } from '../../core/ids.ts';
import type { Secret } from '../../core/secret.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { checkForm } from '../credential-form.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { promptSecret, readSecretFromEnvironment, readSecretFromFile, readSecretFromStdin } from '../secret-input.ts';
import { age, facts, grouped, moment, table, type Column } from '../table.ts';
import { styled } from '../terminal.ts';

interface AddOptions extends CommonOptions {
  readonly stdin?: boolean;
  readonly file?: string;
  readonly fromEnv?: string;
  readonly organization?: string;
  readonly try: boolean;
}

interface CeilingOptions extends CommonOptions {
  readonly requestsPerHour?: string;
  readonly concurrent?: string;
  readonly bytesPerHour?: string;
  readonly learned?: boolean;
}

const INFO = 'bulkhead/credential/v1';

/** `bulkhead credential`: provider keys, sealed here to the vault, so that no process between reads them. */
export function credentialCommand(context: CliContext): Command {
  const credential = new Command('credential').description('add, list, show, try and remove provider keys');
  credential.addCommand(addCommand(context));
  credential.addCommand(
    withCommon(new Command('list').description('list credentials, never their secrets')).action(async (options: CommonOptions) =>
      present(context, options, await clientOf(context, options).call('credentials.list'), ({ credentials, missing, refused }) => {
        const wanted = missing.map(
          ({ id, providers }) => `${id} is not there yet (used by ${providers.join(', ')}): bulkhead credential add ${id}\n`,
        );
        const broken = refused.map(({ id, reason }) => `${id} cannot be opened: ${reason}\n`);
        return [table(COLUMNS, credentials), ...wanted, ...broken].join('') || 'No credentials.\n';
      }),
    ),
  );
  credential.addCommand(
    withCommon(new Command('show').description('show what a credential is bound to').argument('<name>')).action(
      async (id: string, options: CommonOptions) =>
        present(context, options, await clientOf(context, options).call('credentials.show', { path: { id } }), credentialFacts),
    ),
  );
  credential.addCommand(
    withCommon(new Command('try').description('ask the provider whether the credential works').argument('<name>')).action(
      async (id: string, options: CommonOptions) => {
        present(context, options, await tryCredential(context, clientOf(context, options), id), (tried) => trialText(context, tried));
      },
    ),
  );
  credential.addCommand(
    withCommon(new Command('remove').description('remove a credential from the vault').argument('<name>')).action(
      async (id: string, options: CommonOptions) =>
        present(context, options, await clientOf(context, options).call('credentials.remove', { path: { id } }), ({ removed }) =>
          removed ? `${id} is removed. Revoke the key at the provider too if it may be known to others.\n` : `${id} was not there.\n`,
        ),
    ),
  );
  credential.addCommand(ceilingCommand(context));
  return credential;
}

function addCommand(context: CliContext): Command {
  return withCommon(
    new Command('add')
      .description('add or replace a provider key; asks for it without echo')
      .argument('<name>', 'credential, such as openai'),
  )
    .option('--stdin', 'read the key from standard input')
    .option('--file <file>', 'read the key from a file')
    .option('--from-env <variable>', 'read the key from an environment variable')
    .option('--organization <name>', 'only keys of this organization may use it')
    .option('--no-try', 'do not ask the provider whether it works')
    .allowExcessArguments()
    .action(async (id: string, options: AddOptions, command: Command) => {
      if (command.args.length > 1) {
        throw usageError(
          'A key is never given on the command line: other users can see it there, and the shell keeps it.',
          'Leave it out to be asked, or use --stdin, --file or --from-env. Replace the key at the provider if it was a real one.',
        );
      }
      await add(context, id, options);
    });
}

async function add(context: CliContext, id: string, options: AddOptions): Promise<void> {
  if (!isName(id))
    throw usageError(
      'That is no name for a credential.',
      'Use lower-case letters, digits, `-`, `_` or `.`; usually the provider’s name, such as openai.',
    );
  const client = clientOf(context, options);
  // The vault is asked first, so that nobody types a key for a node that does not run.
  const sealingKey = await sealingKeyOf(client, id);
  const secret = await readSecret(context, id, options);
  checkForm(secret);
  const sealed = secret.reveal((bytes) => seal(sealingKey, bytes, INFO, id));
  secret.wipe();
  const organization = options.organization === undefined ? {} : { organization: options.organization };
  const stored = await client.call('credentials.put', { path: { id }, body: { sealed, ...organization } });
  const tried = options.try ? await tryCredential(context, client, id) : null;
  present(context, options, { credential: stored, tried }, () => {
    const where = `${id} is in the vault, sealed, and goes to ${stored.origin} alone (fingerprint ${stored.fingerprint}).\n`;
    return tried === null ? where : where + trialText(context, tried);
  });
}

function readSecret({ terminal }: CliContext, id: string, { stdin, file, fromEnv }: AddOptions): Promise<Secret> | Secret {
  const sources = [stdin === true, file !== undefined, fromEnv !== undefined].filter(Boolean);
  if (sources.length > 1) throw usageError('More than one source for the key was given.', 'Use one of --stdin, --file and --from-env.');
  if (file !== undefined) return readSecretFromFile(path.resolve(terminal.cwd, file));
  if (fromEnv !== undefined) return readSecretFromEnvironment(terminal, fromEnv);
  return stdin === true ? readSecretFromStdin(terminal) : promptSecret(terminal, `Key for ${id} (not shown): `);
}

async function sealingKeyOf(client: AdminClient, id: string): Promise<string> {
  const [shard] = (await client.call('vault.show', { query: { credential: id } })).shards;
  if (shard?.reachable === true && shard.state === 'unsealed') return shard.sealing_key;
  throw new CliFailure({
    code: shard?.state === 'sealed' ? 'vault_sealed' : 'vault_unavailable',
    message: shard?.state === 'sealed' ? 'The vault is sealed.' : 'The vault does not answer.',
    remedy: 'See: bulkhead doctor.',
  });
}

/** A credential that does not work ends the command with 1, but stays where it is. */
async function tryCredential(context: CliContext, client: AdminClient, id: string): Promise<CredentialTried> {
  const tried = await client.call('credentials.try', { path: { id } });
  if (!tried.works) context.exitWith(EXIT.failed);
  return tried;
}

function trialText({ terminal }: CliContext, { id, works, status, words }: CredentialTried): string {
  const mark = works ? styled(terminal, 'green', '✓') : styled(terminal, 'red', '✗');
  return `${mark} ${id} ${works ? 'works' : 'does not work'}${status === null ? '' : ` (${status})`}: ${words}\n`;
}

function ceilingCommand(context: CliContext): Command {
  return withCommon(
    new Command('ceiling').description('set what the vault allows a credential, whatever the gateway says').argument('<name>'),
  )
    .option('--requests-per-hour <count>', 'requests in any hour')
    .option('--concurrent <count>', 'requests at the same time')
    .option('--bytes-per-hour <count>', 'bytes both ways in any hour')
    .option('--learned', 'take all ceilings back: the vault learns them from use')
    .action(async (id: string, options: CeilingOptions) => {
      const view = await clientOf(context, options).call('credentials.ceilings', { path: { id }, body: ceilingBody(options) });
      present(context, options, view, credentialFacts);
    });
}

function ceilingBody({ requestsPerHour, concurrent, bytesPerHour, learned }: CeilingOptions) {
  const given = [requestsPerHour, concurrent, bytesPerHour].some((value) => value !== undefined);
  if (given === (learned === true))
    throw usageError('Nothing to set, or too much.', 'Give ceilings such as --requests-per-hour 5000, or --learned alone.');
  return { requests_per_hour: count(requestsPerHour), concurrent: count(concurrent), bytes_per_hour: count(bytesPerHour) };
}

function count(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
  throw usageError('A ceiling is a whole number above 0.', 'Write it like --requests-per-hour 5000.');
}

const COLUMNS: readonly Column<CredentialView>[] = [
  { title: 'name', cell: ({ id }) => id },
  { title: 'bound to', cell: ({ origin }) => origin },
  { title: 'used by', cell: ({ providers }) => providers.join(', ') || '–' },
  { title: 'fingerprint', cell: ({ fingerprint }) => fingerprint || '–' },
  { title: 'uses', align: 'right', cell: ({ uses }) => grouped(uses) },
  {
    title: 'last used',
    cell: ({ last_used_at }) => (last_used_at === null ? 'never' : `${age(Date.now() - Date.parse(last_used_at))} ago`),
  },
];

const ceilingText = (value: number | null): string => (value === null ? 'learned' : grouped(value));

const credentialFacts = (view: CredentialView): string =>
  facts([
    ...COLUMNS.map((column) => [column.title, column.cell(view)] as const),
    ['paths', view.paths.join(', ')],
    ['sent as', view.auth],
    ['organization', view.organization === '*' ? 'all' : view.organization],
    ['private addresses', view.private ? 'allowed' : 'refused'],
    ['proxy', view.proxy ?? 'none'],
    ['extra authorities', view.extra_ca ? 'yes' : 'no'],
    ['requests an hour', ceilingText(view.ceilings.requests_per_hour)],
    ['at the same time', ceilingText(view.ceilings.concurrent)],
    ['bytes an hour', ceilingText(view.ceilings.bytes_per_hour)],
    ['vault shard', String(view.shard)],
    ['version', String(view.version)],
    ['added', moment(view.created_at)],
  ]);
