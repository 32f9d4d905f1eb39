import { Command } from 'commander';
import { redactSecrets } from '../config/secret-shapes.ts';
import type { CliContext } from './context.ts';

const FOOTER = `
First steps:
  bulkhead up                            start a node here; prints a virtual key and a first request
  bulkhead credential add openai         give it a provider key (asked for, or --stdin)
  bulkhead key create --name my-app      make a virtual key; people get theirs by: bulkhead login
  bulkhead connect claude-code           point a client at it, and try it

Who keys belong to: org, team, project, user, member, service-account, access-group, token
Most commands take --data, --url, --token-file and --json; see: bulkhead <command> --help.`;

type MakeCommand = (context: CliContext) => Command;

/** In the order of the help. A command's file is loaded when it is asked for: `up` should not wait for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  up: async () => (await import('./commands/up.ts')).upCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  credential: async () => (await import('./commands/credential.ts')).credentialCommand,
  key: async () => (await import('./commands/key.ts')).keyCommand,
  limit: async () => (await import('./commands/limit.ts')).limitCommand,
  budget: async () => (await import('./commands/budget.ts')).budgetCommand,
  model: async () => (await import('./commands/model.ts')).modelCommand,
  connect: async () => (await import('./commands/connect.ts')).connectCommand,
  prices: async () => (await import('./commands/prices.ts')).pricesCommand,
  usage: async () => (await import('./commands/usage.ts')).usageCommand,
  config: async () => (await import('./commands/config.ts')).configCommand,
  logs: async () => (await import('./commands/logs.ts')).logsCommand,
  backup: async () => (await import('./commands/backup.ts')).backupCommand,
  restore: async () => (await import('./commands/restore.ts')).restoreCommand,
};

/** Who keys belong to, one line of the help together, and what the doctor points to: so that it stays one screen. */
const TENANCY: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  org: async () => (await import('./commands/org.ts')).orgCommand,
  team: async () => (await import('./commands/team.ts')).teamCommand,
  project: async () => (await import('./commands/project.ts')).projectCommand,
  user: async () => (await import('./commands/user.ts')).userCommand,
  member: async () => (await import('./commands/member.ts')).memberCommand,
  'service-account': async () => (await import('./commands/service-account.ts')).serviceAccountCommand,
  'access-group': async () => (await import('./commands/access-group.ts')).accessGroupCommand,
  token: async () => (await import('./commands/token.ts')).tokenCommand,
  login: async () => (await import('./commands/login.ts')).loginCommand,
  logout: async () => (await import('./commands/login.ts')).logoutCommand,
  rows: async () => (await import('./commands/rows.ts')).rowsCommand,
};

/** The tree of commands, or the one branch that `asked` names. The reference page is made from the whole. */
export async function buildProgram(context: CliContext, asked?: string): Promise<Command> {
  const program = new Command('bulkhead')
    .description('Bulkhead, an AI gateway built in compartments.')
    .helpCommand(false)
    .addHelpText('after', FOOTER);
  const all = { ...COMMANDS, ...TENANCY };
  const names = asked !== undefined && Object.hasOwn(all, asked) ? [asked] : Object.keys(all);
  for (const name of names) {
    const make = await all[name]?.();
    if (make !== undefined) program.addCommand(make(context), { hidden: Object.hasOwn(TENANCY, name) });
  }
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
