import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { KEY_VARIABLES } from '../../config/catalogue/catalogue.ts';
import { formatProblem, type BulkheadConfig, type Endpoint } from '../../config/config.ts';
import { NODE_DEFAULTS } from '../../config/node-defaults.ts';
import { parseEndpoint } from '../../config/network.ts';
import type { NodeSpec } from '../../config/node-spec.ts';
import { LAYOUTS, ROLES, type IsolationChoice, type Role, type RootKeySource } from '../../core/process.ts';
import { folderOf, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { ensureToken, isFirstStart, makeDataFolder, writeSpec } from '../data-folder.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { becomeSupervisor, claimEndpoint, CODE_FOLDER, mustNotRun } from '../node-start.ts';
import { DEFAULT_CONFIG, loadConfigFile, loadPricesFile } from './config.ts';

interface UpOptions extends CommonOptions {
  readonly config?: string;
  readonly isolation?: IsolationChoice;
  readonly listen?: string;
  readonly control?: string;
  readonly workers?: string;
  readonly rootKeyFd?: string;
  readonly passphraseFd?: string;
  readonly entry: readonly string[];
}

/** `bulkhead up`: check everything that can be checked, write down what to start, become the supervisor. */
export function upCommand(context: CliContext): Command {
  return withCommon(new Command('up').description('start a node here and stay in the foreground; Ctrl-C drains and stops it'))
    .option('--config <file>', `configuration (default: ./${DEFAULT_CONFIG} if it is there, else the defaults)`)
    .addOption(new Option('--isolation <layout>', 'layout of isolation, instead of the file’s').choices(['auto', ...LAYOUTS]))
    .option('--listen <host:port>', 'address of the gateway, instead of the file’s; port 0: any free one')
    .option('--control <host:port>', 'address of the admin API, instead of the file’s; port 0: any free one')
    .option('--workers <count>', 'gateway processes, instead of the file’s')
    .option('--root-key-fd <fd>', 'inherited descriptor that carries the vault’s root key')
    .option('--passphrase-fd <fd>', 'inherited descriptor that carries a passphrase for the root key')
    .addOption(
      new Option('--entry <role=file>', 'program of a role, for tests')
        .hideHelp()
        .default([])
        .argParser((text: string, before: readonly string[]) => [...before, text]),
    )
    .action(async (options: UpOptions) => up(context, options));
}

async function up(context: CliContext, options: UpOptions): Promise<void> {
  const folder = folderOf(context, options);
  const config = await readConfig(context, options);
  const node = settings(config, options);
  await mustNotRun(folder);
  const [listen, control] = [await claimEndpoint(node.listen, 'listen'), await claimEndpoint(node.control, 'control')];
  makeDataFolder(folder);
  const spec: NodeSpec = {
    version: 1,
    dataDir: folder.path,
    codeDir: CODE_FOLDER,
    configFile: config.file,
    ...(await pricesFile(config)),
    gateway: { workers: node.workers, ...listen, tls: tlsFiles(config) },
    control,
    vault: { shards: config.node.shards, rootKey: node.rootKey },
    sandbox: config.node.sandbox,
    isolation: node.isolation,
    drainMs: config.node.drainMs,
    ledger: config.node.ledger,
    ...entries(options.entry),
    firstStart: isFirstStart(folder),
    adminDigest: hash('sha256', ensureToken(folder), 'hex'),
    environmentKeys: KEY_VARIABLES.filter((name) => (context.terminal.env[name] ?? '') !== ''),
  };
  writeSpec(folder, spec);
  context.exitWith(
    await becomeSupervisor({
      specFile: folder.specFile,
      rootKey: node.rootKey,
      env: context.terminal.env,
      codeCache: await context.codeCache(path.join(folder.path, 'cache')),
    }),
  );
}

/** The part of a configuration that a start needs; control reads the whole. */
type StartConfig = Pick<BulkheadConfig, 'file' | 'node'>;

async function readConfig({ terminal }: CliContext, options: UpOptions): Promise<StartConfig> {
  const file = path.resolve(terminal.cwd, options.config ?? DEFAULT_CONFIG);
  if (options.config === undefined && !fs.existsSync(file)) {
    terminal.err(`There is no ${DEFAULT_CONFIG} here: starting with the defaults. See: bulkhead config schema\n`);
    return { file: null, node: NODE_DEFAULTS };
  }
  const shown = options.config ?? DEFAULT_CONFIG;
  const loaded = await loadConfigFile(file, shown);
  if (loaded.ok) return { node: loaded.value.node, file };
  throw new CliFailure({
    code: 'config_invalid',
    message: `${shown} is not valid, so nothing was started:\n\n${loaded.error.map(formatProblem).join('\n')}\n`,
    remedy: `Correct it, then check it with: bulkhead config check ${shown}`,
  });
}

interface Settings {
  readonly listen: Endpoint;
  readonly control: Endpoint;
  readonly workers: number;
  readonly isolation: IsolationChoice;
  readonly rootKey: RootKeySource;
}

/** The file's settings with the flags over them. */
function settings({ node }: StartConfig, options: UpOptions): Settings {
  return {
    listen: endpointOption(options.listen, 'listen') ?? node.listen,
    control: endpointOption(options.control, 'control') ?? node.control,
    workers: options.workers === undefined ? node.workers : whole(options.workers, 'workers', 1, 64),
    isolation: options.isolation ?? node.isolation,
    rootKey: rootKeyOption(options) ?? node.rootKey,
  };
}

function endpointOption(text: string | undefined, option: string): Endpoint | undefined {
  if (text === undefined) return undefined;
  const free = /^(.*):0$/.exec(text);
  const parsed = parseEndpoint(free === null ? text : `${free[1]}:1`);
  if (parsed === undefined) throw usageError(`--${option} is not host:port.`, 'Write it like 127.0.0.1:4100 or [::1]:4100.');
  return free === null ? parsed : { host: parsed.host, port: 0 };
}

function rootKeyOption({ rootKeyFd, passphraseFd }: UpOptions): RootKeySource | undefined {
  if (rootKeyFd !== undefined && passphraseFd !== undefined)
    throw usageError('--root-key-fd and --passphrase-fd exclude each other.', 'Give one of them.');
  if (rootKeyFd !== undefined) return { kind: 'fd', fd: openDescriptor(rootKeyFd, 'root-key-fd') };
  return passphraseFd === undefined ? undefined : { kind: 'passphrase', fd: openDescriptor(passphraseFd, 'passphrase-fd') };
}

function openDescriptor(text: string, option: string): number {
  const fd = whole(text, option, 3, 9);
  try {
    fs.fstatSync(fd);
    return fd;
  } catch (cause) {
    throw new CliFailure(
      {
        code: 'usage',
        message: `Descriptor ${fd} of --${option} is not open.`,
        remedy: `Hand it over, such as: bulkhead up --${option} ${fd} ${fd}< file`,
        exit: EXIT.unusable,
      },
      { cause },
    );
  }
}

function whole(text: string, option: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  throw usageError(`--${option} is not a whole number from ${least} to ${most}.`, `Write it like --${option} ${least}.`);
}

/** Absolute paths, both readable now: an error here is clearer than one after the start. */
function tlsFiles({ file, node }: StartConfig): NodeSpec['gateway']['tls'] {
  if (node.tls === null || file === null) return null;
  const [cert, key] = [path.resolve(path.dirname(file), node.tls.cert), path.resolve(path.dirname(file), node.tls.key)];
  for (const at of [cert, key]) {
    try {
      fs.accessSync(at, fs.constants.R_OK);
    } catch (cause) {
      throw new CliFailure(
        {
          code: 'tls_unreadable',
          message: `The TLS file ${at} cannot be read.`,
          remedy: 'Paths under `tls` are relative to the configuration file; check them and the rights.',
        },
        { cause },
      );
    }
  }
  return { cert, key };
}

/** An absolute path, judged now: a table with an error starts no node. */
async function pricesFile({ file, node }: StartConfig): Promise<Pick<NodeSpec, 'pricesFile'>> {
  if (node.pricesFile === null || file === null) return {};
  const at = path.resolve(path.dirname(file), node.pricesFile);
  const loaded = await loadPricesFile(at, node.pricesFile);
  if (loaded.ok) return { pricesFile: at };
  throw new CliFailure({
    code: 'config_invalid',
    message: `${node.pricesFile} is not valid, so nothing was started:\n\n${loaded.error.map(formatProblem).join('\n')}\n`,
    remedy: 'Correct it, then check it with: bulkhead config check',
  });
}

function entries(given: readonly string[]): Pick<NodeSpec, 'entries'> {
  if (given.length === 0) return {};
  const parsed = given.map((text): readonly [Role, string] => {
    const at = text.indexOf('=');
    const role = ROLES.find((name) => name === text.slice(0, at));
    if (role === undefined || at === text.length - 1) throw usageError('--entry is not role=file.', `Roles: ${ROLES.join(', ')}.`);
    return [role, text.slice(at + 1)];
  });
  return { entries: Object.fromEntries(parsed) };
}
