import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Command, Option } from 'commander';
import type { AdminClient } from '../client.ts';
import { CLIENTS } from '../connect/clients.ts';
import type { ConnectClient, Connection } from '../connect/connection.ts';
import { changedLines, planFile, writeFiles, type PlannedFile, type WrittenFile } from '../connect/settings-files.ts';
import { tryOut, type Trial } from '../connect/try-out.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { readSecretFromFile, readSecretFromStdin } from '../secret-input.ts';
import { styled } from '../terminal.ts';

interface ConnectOptions extends CommonOptions {
  readonly model?: string;
  readonly smallModel?: string;
  readonly gateway?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly stdin?: boolean;
  readonly newKey?: string;
  readonly apply?: boolean;
  readonly dryRun?: boolean;
}

/** Stands for the key where it is only shown. */
const HIDDEN_KEY = '(your key)';
/** The ledger hears of a request a moment after the client. */
const [USAGE_TRIES, USAGE_PAUSE_MS] = [20, 150] as const;

/** `bulkhead connect`: settings of a client, then one request that proves them. */
export function connectCommand(context: CliContext): Command {
  const names = CLIENTS.map(({ name }) => name);
  return withCommon(
    new Command('connect')
      .description('point a client at this node: shows its settings, applies them, sends one request')
      .argument('<client>', names.join(', ')),
  )
    .option('--model <model>', 'alias or provider/model it asks for (default: the first alias)')
    .option('--small-model <model>', 'for short background work of Claude Code (default: as --model)')
    .option('--gateway <url>', 'address by which the client reaches the gateway (default: the node’s own)')
    .option('--new-key <name>', 'name of the virtual key that is created (default: the client’s name)')
    .option('--key-file <file>', 'use the virtual key in this file instead of a new one')
    .option('--stdin', 'use the virtual key on standard input instead of a new one')
    .option('--apply', 'do not ask before changing anything')
    .option('--dry-run', 'only show; create no key, change no file, send nothing')
    .addOption(new Option('--key <key>').hideHelp())
    .action(async (name: string, options: ConnectOptions) => {
      const client = CLIENTS.find((each) => each.name === name);
      if (client === undefined)
        throw usageError('That client is not known.', `Known: ${names.join(', ')}. Others need only the address and a key.`);
      await connect(context, client, options);
    });
}

async function connect(context: CliContext, client: ConnectClient, options: ConnectOptions): Promise<void> {
  checkOptions(options);
  const admin = clientOf(context, options);
  const shown = await settingsOf(admin, options);
  const { env } = context.terminal;
  const files = client.files({ folder: env['HOME'] ?? os.homedir(), env }).map(planFile);
  const plan = planText(context, client, { files, shown, newKey: createsKey(options) ? keyName(client, options) : null });
  if (options.json !== true) context.terminal.out(plan);
  if (!(await isAgreed(context, options))) {
    const seen = { client: client.name, applied: false, gateway: shown.gateway, model: shown.model };
    return present(context, options, seen, () => (options.dryRun === true ? '' : 'Nothing was changed.\n'));
  }
  const connection = { ...shown, key: await keyText(context, admin, client, options) };
  const written = writeFiles(files, connection, Date.now());
  const trial = await tryOut(client.dialect, connection);
  const usage = trial.works && trial.requestId !== null ? await usageOf(admin, trial.requestId) : null;
  if (!trial.works) context.exitWith(EXIT.failed);
  // A new key that no file took is shown, for else nobody would know it; one that was given is not repeated.
  const told = createsKey(options) && files.length === 0 ? connection : shown;
  const { gateway, model, key } = told;
  const done = { client: client.name, applied: true, gateway, model, files: written, request: trial, usage };
  present(context, options, told === connection ? { ...done, key } : done, () =>
    doneText(context, client, { told, written, trial, usage }),
  );
}

/** Whether to go on with what was just shown. False where there is nobody to ask: nothing is changed without a word. */
async function isAgreed({ terminal }: CliContext, { apply, dryRun, json }: ConnectOptions): Promise<boolean> {
  if (dryRun === true) return false;
  if (apply === true) return true;
  if (terminal.stdin.isTTY === true && json !== true) return isYes(terminal);
  terminal.err('There is nobody to ask: add --apply to go on.\n');
  return false;
}

async function isYes(terminal: CliContext['terminal']): Promise<boolean> {
  terminal.out('Go on? [y/N] ');
  const lines = createInterface({ input: terminal.stdin });
  try {
    // The end of input is no answer, and so no.
    const answer = await new Promise<string>((resolve) => lines.once('line', resolve).once('close', () => resolve('')));
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

function checkOptions({ key, keyFile, stdin, newKey, apply, dryRun, model, smallModel }: ConnectOptions): void {
  if (key !== undefined) {
    throw usageError(
      'A key is never given on the command line: other users can see it there, and the shell keeps it.',
      'Use --key-file or --stdin, or let a new key be created. Revoke that key if it was a real one.',
    );
  }
  if ([keyFile !== undefined, stdin === true, newKey !== undefined].filter(Boolean).length > 1)
    throw usageError('More than one source for the key was given.', 'Use one of --key-file, --stdin and --new-key.');
  if (apply === true && dryRun === true) throw usageError('--apply and --dry-run contradict each other.', 'Use one of them.');
  for (const name of [model, smallModel]) {
    if (name !== undefined && !/^[A-Za-z0-9._:@/+~-]{1,256}$/.test(name))
      throw usageError('That is no name of a model.', 'Name an alias or provider/model; see: bulkhead model list.');
  }
}

const createsKey = ({ keyFile, stdin }: ConnectOptions): boolean => keyFile === undefined && stdin !== true;
const keyName = ({ name }: ConnectClient, { newKey }: ConnectOptions): string => newKey ?? name;

/** All but the key, which does not exist before it is needed. */
async function settingsOf(admin: AdminClient, { model: asked, smallModel, gateway }: ConnectOptions): Promise<Connection> {
  const model = asked ?? (await firstAlias(admin));
  const address = gateway === undefined ? reachable((await admin.call('doctor.show')).gateway_url) : checkedGateway(gateway);
  return { gateway: address, model, smallModel: smallModel ?? model, key: HIDDEN_KEY };
}

/** Aliases of the file come first, then the sandbox. */
async function firstAlias(admin: AdminClient): Promise<string> {
  const { models } = await admin.call('models.list');
  const found = models.find(({ prefix }) => !prefix);
  if (found !== undefined) return found.alias;
  throw usageError('There is no alias that the client could ask for.', 'Name a model with --model, such as openai/<model>.');
}

const reachable = (url: string): string => url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');

function checkedGateway(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    /^\/(?:v1\/?)?$/.test(url.pathname) &&
    url.search === ''
  )
    return url.origin;
  throw usageError('The address given with --gateway is not one of a gateway.', 'Write it like https://llm.example.com, without a path.');
}

interface Plan {
  readonly files: readonly PlannedFile[];
  readonly shown: Connection;
  /** Name of the key that will be created; null: one was given. */
  readonly newKey: string | null;
}

function planText({ terminal }: CliContext, client: ConnectClient, { files, shown, newKey }: Plan): string {
  const changes = files.map((file) => {
    const lines = changedLines(file.before, file.edit(shown)).map(
      (line) => `    ${styled(terminal, line.startsWith('-') ? 'red' : 'green', line)}\n`,
    );
    return `  ${file.path}${file.before === undefined ? ' (new)' : ''}\n${lines.join('') || '    (stays as it is)\n'}`;
  });
  const steps = files.length > 0 ? [] : client.steps(shown).map((line) => `  ${line}`.trimEnd());
  const key = newKey === null ? '' : `  a new virtual key, named ${newKey}\n`;
  return `${styled(terminal, 'bold', `Connecting ${client.title} to ${shown.gateway}, model ${shown.model}:`)}\n${changes.join('')}${key}${steps.length === 0 ? '' : `\n${steps.join('\n')}\n\n`}`;
}

async function keyText({ terminal }: CliContext, admin: AdminClient, client: ConnectClient, options: ConnectOptions): Promise<string> {
  if (createsKey(options)) return (await admin.call('keys.create', { body: { name: keyName(client, options) } })).key;
  const secret =
    options.keyFile === undefined ? await readSecretFromStdin(terminal) : readSecretFromFile(path.resolve(terminal.cwd, options.keyFile));
  const text = secret.reveal((bytes) => bytes.toString('latin1'));
  secret.wipe();
  if (text.startsWith('bh_')) return text;
  throw usageError('That is no virtual key of Bulkhead’s.', 'One begins with bh_; a provider’s key goes into: bulkhead credential add.');
}

interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: string;
}

/** Null where the ledger has no row yet: the request worked all the same. */
async function usageOf(admin: AdminClient, id: string): Promise<Usage | null> {
  for (let i = 0; i < USAGE_TRIES; i++) {
    const row = await admin.call('usage.request', { path: { id } }).then(
      ({ rows }) => rows.at(-1),
      (error: unknown) => {
        if (error instanceof CliFailure && error.facts.code === 'resource_missing') return undefined;
        throw error;
      },
    );
    if (row !== undefined) {
      const count = (name: string): number => Number(row[name] ?? 0);
      return { input_tokens: count('input_tokens'), output_tokens: count('output_tokens'), cost_usd: String(row['cost_usd'] ?? '0') };
    }
    await new Promise((resolve) => setTimeout(resolve, USAGE_PAUSE_MS));
  }
  return null;
}

interface Done {
  /** As far as it may be shown. */
  readonly told: Connection;
  readonly written: readonly WrittenFile[];
  readonly trial: Trial;
  readonly usage: Usage | null;
}

function doneText({ terminal }: CliContext, client: ConnectClient, { told, written, trial, usage }: Done): string {
  const files = written.map(({ path: file, backup }) => `Wrote ${file}${backup === null ? '' : `; before: ${backup}`}\n`);
  const steps = client.steps(told).join('\n');
  return `${files.join('')}${trialText(terminal, trial, usage)}\n${steps}\n`;
}

function trialText(
  terminal: CliContext['terminal'],
  { works, path: asked, status, ms, words, provider, model, requestId }: Trial,
  usage: Usage | null,
): string {
  const id = requestId === null ? '' : ` (request ${requestId})`;
  if (!works) return `${styled(terminal, 'red', '✗')} POST ${asked} was answered with ${status} after ${ms} ms: ${words}${id}\n`;
  const cost = usage === null ? 'cost not known yet' : `${usage.input_tokens} tokens in, ${usage.output_tokens} out, $${usage.cost_usd}`;
  return `${styled(terminal, 'green', '✓')} POST ${asked} works: ${provider ?? 'a provider'}/${model ?? 'a model'} answered in ${ms} ms, ${cost}${id}\n  ${JSON.stringify(words)}\n`;
}
