import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { controlUrlOf, gatewayUrlOf, present, type CliContext, type CommonOptions } from '../context.ts';
import { DEFAULT_DATA } from '../data-folder.ts';
import { CliFailure, EXIT, systemCode } from '../failure.ts';
import type { DeviceGrant } from '../login/issuer.ts';
import type { StoredLogin } from '../login/login-file.ts';
import { loginFile } from '../login/login-path.ts';
import { current, logIn, logOut, renewalIn } from '../login/session.ts';
import { printable, styled, type Terminal } from '../terminal.ts';

type Options = Pick<CommonOptions, 'data' | 'url' | 'json'>;
type LoginOptions = Options & { readonly issuer?: string; readonly team?: string; readonly keep?: true };

/** A renewal that failed is tried again after this time, for as long as the key lives. */
const RETRY_MS = 5000;

const withNode = (command: Command): Command =>
  command
    .option('--data <folder>', 'data folder of the node', DEFAULT_DATA)
    .option('--url <address>', 'admin API, such as http://127.0.0.1:4101 (default: the one of the data folder)');

/** `bulkhead login`: a person's way to a key of minutes. */
export function loginCommand(context: CliContext): Command {
  const login = withNode(new Command('login').description('log in at your organization’s issuer; gives a key that lives for minutes'))
    .option('--issuer <name>', 'which issuer of bulkhead.yaml (default: the only one)')
    .option('--team <team>', 'which of your teams is charged (default: the first that the issuer names)')
    .option('--keep', 'stay, and keep the key alive until Ctrl-C')
    .option('--json', 'print JSON for programs')
    .action((options: LoginOptions) => begin(context, options));
  for (const make of [keyCommand, runCommand]) login.addCommand(make(context));
  return login;
}

/** `bulkhead logout` */
export const logoutCommand = (context: CliContext): Command =>
  new Command('logout')
    .description('end the login of this machine, its key and its refresh token')
    .option('--json', 'print JSON for programs')
    .action(async (options: Options) => {
      const answer = await logOut(loginFile(context.terminal));
      present(context, options, answer, ({ email, left }) => {
        const told = left.map((words) => `Not told: ${printable(words)} The key ends by itself within five minutes.\n`);
        return `${printable(email)} is logged out here.\n${told.join('')}`;
      });
    });

async function begin(context: CliContext, { issuer, team, keep, ...options }: LoginOptions): Promise<void> {
  const { terminal } = context;
  const wish = { control: controlUrlOf(context, options), issuer, team };
  const file = loginFile(terminal);
  const login = await logIn(file, wish, { onCode: (grant) => showCode(terminal, grant), onWaiting: waiting(terminal) });
  const answer = { email: login.email, expires_at: new Date(login.expires_at).toISOString(), file };
  present(context, options, answer, ({ email }) =>
    [
      `${styled(terminal, 'green', '✓')} Logged in as ${printable(email)}.`,
      '  bulkhead login key             prints the key, renewed when it is due: for a tool’s key helper',
      '  bulkhead login run -- claude   runs a program with the key in its environment',
      '',
    ].join('\n'),
  );
  if (keep === true) await keepAlive(context, file, login, interruption());
}

/** On standard error, so that what the command prints is its answer alone. */
function showCode(terminal: Terminal, { userCode, verificationUri, completeUri }: DeviceGrant): void {
  terminal.err(`Open ${printable(completeUri ?? verificationUri)}\nand confirm the code ${printable(userCode)}\n`);
}

/** A line that counts down where there is a terminal; elsewhere one line a minute. */
function waiting(terminal: Terminal): (secondsLeft: number) => void {
  let told = Infinity;
  return (left) => {
    if (!terminal.colour && told - left < 60) return;
    told = left;
    terminal.err(terminal.colour ? `\r\u001b[KWaiting for you: ${left} s left ` : `Waiting for you: ${left} s left.\n`);
    if (terminal.colour && left === 0) terminal.err('\n');
  };
}

const keyCommand = (context: CliContext): Command =>
  new Command('key')
    .description('print the key of the login, renewed when it is due')
    .option('--json', 'print JSON for programs')
    .action(async (options: Options) => {
      const { key, expires_at: end } = await current(loginFile(context.terminal));
      present(context, options, { key, expires_at: new Date(end).toISOString() }, (answer) => `${answer.key}\n`);
    });

const runCommand = (context: CliContext): Command =>
  new Command('run')
    .description('run a program with the key in its environment, and keep the key alive meanwhile')
    .argument('<command...>', 'after --, such as: -- claude')
    .option('--data <folder>', 'data folder of the node', DEFAULT_DATA)
    .option('--gateway <url>', 'address of the gateway (default: the node’s own, where the data folder is)')
    .action(async ([program = '', ...args]: readonly string[], { gateway, ...options }: Options & { readonly gateway?: string }) => {
      const { terminal } = context;
      const file = loginFile(terminal);
      const login = await current(file);
      const ended = new AbortController();
      const renewing = keepAlive(context, file, login, ended.signal);
      try {
        context.exitWith(await run(program, args, { ...terminal.env, ...variables(login.key, gateway ?? gatewayUrlOf(context, options)) }));
      } finally {
        ended.abort();
        await renewing;
      }
    });

/** What the usual clients read; see `bulkhead connect`. */
const variables = (key: string, gateway: string | undefined): Readonly<Record<string, string>> => ({
  BULKHEAD_API_KEY: key,
  OPENAI_API_KEY: key,
  ANTHROPIC_AUTH_TOKEN: key,
  GEMINI_API_KEY: key,
  ...(gateway === undefined ? {} : { OPENAI_BASE_URL: `${gateway}/v1`, ANTHROPIC_BASE_URL: gateway, GOOGLE_GEMINI_BASE_URL: gateway }),
});

/** Signals go to both by the terminal; the program decides what they mean. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', pass).on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new CliFailure(
          {
            code: 'not_run',
            message: `${program} cannot be run (${systemCode(cause) ?? 'unknown reason'}).`,
            remedy: 'Check its name.',
            exit: EXIT.unusable,
          },
          { cause },
        ),
      ),
    );
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : EXIT.interrupted));
  }).finally(() => process.off('SIGTERM', pass).off('SIGINT', ignore));
}
const ignore = (): void => undefined;

function interruption(): AbortSignal {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  return ended.signal;
}

/** Resolves when `ended` aborts. Throws once the key is over: the issuer, or the node, gives no more. */
async function keepAlive({ terminal }: CliContext, file: string, login: StoredLogin, ended: AbortSignal): Promise<void> {
  let held = login;
  let waitMs = renewalIn(held, Date.now());
  for (;;) {
    // An abort ends the wait early.
    await sleep(waitMs, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    try {
      held = await current(file);
      waitMs = Math.max(1, renewalIn(held, Date.now()));
    } catch (error) {
      if (isOver(error) || Date.now() >= held.expires_at) return tellOver(terminal, error);
      waitMs = RETRY_MS;
    }
  }
}

const isOver = (error: unknown): boolean => error instanceof CliFailure && ['login_over', 'not_logged_in'].includes(error.facts.code);

function tellOver(terminal: Terminal, error: unknown): void {
  const words = error instanceof CliFailure ? `${error.message} ${error.facts.remedy}` : String(error);
  terminal.err(`The login is over: ${printable(words)}\n`);
}
