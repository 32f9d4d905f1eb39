import { Command } from 'commander';
import { redactSecrets } from '../config/secret-shapes.ts';
import { backupCommand } from './commands/backup.ts';
import { configCommand } from './commands/config.ts';
import { credentialCommand } from './commands/credential.ts';
import { doctorCommand } from './commands/doctor.ts';
import { keyCommand } from './commands/key.ts';
import { logsCommand } from './commands/logs.ts';
import { modelCommand } from './commands/model.ts';
import { restoreCommand } from './commands/restore.ts';
import { upCommand } from './commands/up.ts';
import { usageCommand } from './commands/usage.ts';
import type { CliContext } from './context.ts';

const FOOTER = `
First steps:
  bulkhead up                            start a node here; prints a virtual key and a first request
  bulkhead credential add openai         give it a provider key (asked for, or --stdin)
  bulkhead key create --name my-app      make a virtual key
  bulkhead doctor                        which layers of isolation are live

Every command takes --data, --url, --token-file and --json; see: bulkhead <command> --help.`;

/** The tree of commands. The reference page is made from it. */
export function buildProgram(context: CliContext): Command {
  const program = new Command('bulkhead')
    .description('Bulkhead, an AI gateway built in compartments.')
    .helpCommand(false)
    .addHelpText('after', FOOTER);
  const commands = [
    upCommand(context),
    doctorCommand(context),
    credentialCommand(context),
    keyCommand(context),
    modelCommand(context),
    usageCommand(context),
    configCommand(context),
    logsCommand(context),
    backupCommand(context),
    restoreCommand(context),
  ];
  for (const command of commands) program.addCommand(command);
  settle(program, context);
  return program;
}

/** Commander's settings are not inherited by commands that were made on their own. */
function settle(command: Command, context: CliContext): void {
  const { terminal } = context;
  command
    .exitOverride()
    .showHelpAfterError('(--help shows what it takes)')
    .configureHelp({ helpWidth: Math.min(terminal.width, 110), showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(redactSecrets(text)),
      getErrHelpWidth: () => terminal.width,
    });
  for (const child of command.commands) settle(child, context);
}
