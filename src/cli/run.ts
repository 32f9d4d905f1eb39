import type { CliContext, StoreFile } from './context.ts';
import { redactSecrets } from '../config/secret-shapes.ts';
import { CliFailure, EXIT, type ExitCode, type FailureFacts } from './failure.ts';
import { buildProgram } from './program.ts';
import { styled, type Terminal } from './terminal.ts';

/** The `bulkhead` command: arguments → one command over the admin API or the data folder → exit code. */

export interface CliDependencies {
  readonly terminal: Terminal;
  readonly stores: () => Promise<Readonly<Record<string, StoreFile>>>;
  readonly codeCache: CliContext['codeCache'];
}

/** Runs one command line (without `node` and the script). Resolves with the exit code; never throws for what a user can cause. */
export async function runCli(args: readonly string[], { terminal, stores, codeCache }: CliDependencies): Promise<number> {
  let exit: number = EXIT.ok;
  const context: CliContext = { terminal, stores, codeCache, exitWith: (code) => void (exit = code) };
  const program = await buildProgram(context, args[0]);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CliFailure) return tell(terminal, args.includes('--json'), error);
    const commander = commanderExit(error);
    if (commander !== undefined) return commander;
    throw error;
  }
}

/** Commander ends help and wrong usage with an error of its own, already printed. */
function commanderExit(error: unknown): ExitCode | undefined {
  if (!(error instanceof Error) || !('exitCode' in error) || !('code' in error) || !String(error.code).startsWith('commander.'))
    return undefined;
  return error.exitCode === 0 ? EXIT.ok : EXIT.unusable;
}

function tell(terminal: Terminal, json: boolean, { facts, exit }: CliFailure): ExitCode {
  terminal.err(redactSecrets(json ? asJson(facts) : asText(terminal, facts)));
  return exit;
}

function asText(terminal: Terminal, { code, message, remedy, requestId }: FailureFacts): string {
  const id = requestId === undefined ? '' : `, request ${requestId}`;
  return `${styled(terminal, 'red', 'bulkhead:')} ${message}\n  ${remedy}\n  (${code}${id})\n`;
}

const asJson = ({ code, message, remedy, requestId }: FailureFacts): string =>
  `${JSON.stringify({ error: { code, message, remedy, ...(requestId === undefined ? {} : { request_id: requestId }) } })}\n`;
