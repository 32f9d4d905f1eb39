import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { adminClient, type AdminClient } from './client.ts';
import { dataFolder, DEFAULT_DATA, readSpec, readToken, type DataFolder } from './data-folder.ts';
import { usageError } from './failure.ts';
import { loginFile } from './login/login-path.ts';
import type { Terminal } from './terminal.ts';

/** The options that every command takes. */
export interface CommonOptions {
  readonly data?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly login?: boolean;
  readonly json?: boolean;
}

/** The file that a process keeps its records in, and the newest schema this program can read; null: the file has none. */
export interface StoreFile {
  readonly file: string;
  readonly schema: number | null;
}

/** What a command's action is given beside its own arguments. */
export interface CliContext {
  readonly terminal: Terminal;
  /** By process: `control`, `ledger`, `auditor`. Wired by `main`, for the commands may not load the processes. */
  stores(): Promise<Readonly<Record<string, StoreFile>>>;
  /** The folder of a node's compiled code, filled for the program as it is now; undefined: it starts without. Wired by `main`. */
  codeCache(folder: string): Promise<string | undefined>;
  /** The exit code of a command that ran to its end; 0 unless said otherwise. */
  exitWith(code: number): void;
}

export const withCommon = (command: Command): Command =>
  command
    .option('--data <folder>', 'data folder of the node', DEFAULT_DATA)
    .option('--url <address>', 'admin API, such as http://127.0.0.1:4101 (default: the one of the data folder)')
    .option('--token-file <file>', 'admin token (default: admin/token in the data folder)')
    .option('--login', 'as the person who is logged in here (default: where there is no admin token to read)')
    .option('--json', 'print JSON for programs');

export const folderOf = ({ terminal }: CliContext, options: CommonOptions): DataFolder =>
  dataFolder(path.resolve(terminal.cwd, options.data ?? DEFAULT_DATA));

export function clientOf(context: CliContext, options: CommonOptions): AdminClient {
  const folder = folderOf(context, options);
  if (usesLogin(context, options, folder)) return loginClient(context, options.url);
  const tokenFile = options.tokenFile === undefined ? folder.tokenFile : path.resolve(context.terminal.cwd, options.tokenFile);
  return adminClient({ url: options.url ?? controlUrl(folder), token: () => readToken(tokenFile) });
}

/** Whose machine has no admin token to read is not the operator's: there people are who they logged in as. */
function usesLogin({ terminal }: CliContext, { tokenFile, login }: CommonOptions, folder: DataFolder): boolean {
  if (tokenFile !== undefined && login === true) throw usageError('There are two who could ask.', 'Give --login or --token-file.');
  if (tokenFile !== undefined || login === true) return login === true;
  return !isReadable(folder.tokenFile) && fs.existsSync(loginFile(terminal));
}

function isReadable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return true;
  } catch {
    // Whatever the reason, it is not a token for this person.
    return false;
  }
}

/** What a login needs is loaded where there is one. */
function loginClient({ terminal }: CliContext, url: string | undefined): AdminClient {
  return {
    call: async (name, input) => {
      const { personAt } = await import('./login/session.ts');
      const { control, token } = await personAt(loginFile(terminal), url);
      return adminClient({ url: control, token: () => token }).call(name, input);
    },
  };
}

/** Where the admin API is, for a command that brings its own token. */
export const controlUrlOf = (context: CliContext, options: Pick<CommonOptions, 'data' | 'url'>): string =>
  options.url ?? controlUrl(folderOf(context, options));

/** Where clients of the node in the data folder reach its gateway; undefined: there is no node in it. */
export function gatewayUrlOf(context: CliContext, options: Pick<CommonOptions, 'data'>): string | undefined {
  const gateway = readSpec(folderOf(context, options))?.gateway;
  return gateway === undefined ? undefined : urlOf(gateway.tls === null ? 'http' : 'https', gateway);
}

const DEFAULT_CONTROL = { host: '127.0.0.1', port: 4101 };

/** Where the node of this folder was told to listen; an address of all interfaces is reached over loopback. */
function controlUrl(folder: DataFolder): string {
  return urlOf('http', readSpec(folder)?.control ?? DEFAULT_CONTROL);
}

function urlOf(scheme: 'http' | 'https', { host, port }: { readonly host: string; readonly port: number }): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Prints an answer: as it came for programs, as text for people. */
export function present<Answer>(context: CliContext, options: CommonOptions, answer: Answer, text: (answer: Answer) => string): void {
  context.terminal.out(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : text(answer));
}
