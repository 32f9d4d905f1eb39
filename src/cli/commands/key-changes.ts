import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import type { AdminClient } from '../client.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { instantOf } from '../duration.ts';
import { usageError } from '../failure.ts';
import { clearedBody, CLEARABLE_NAMES, keyBody, withKeyOptions, type KeyOptions } from '../key-options.ts';

type UpdateOptions = CommonOptions & KeyOptions & { readonly name?: string; readonly clear?: string };
type FindKey = (client: AdminClient, asked: string) => Promise<string>;

/** `bulkhead key update | block | unblock`: each returns when every process serves by the change. */
export const keyChangeCommands = (context: CliContext, keyId: FindKey): readonly Command[] => [
  updateCommand(context, keyId),
  switchCommand(context, keyId, 'block'),
  switchCommand(context, keyId, 'unblock'),
];

function updateCommand(context: CliContext, keyId: FindKey): Command {
  const update = new Command('update').description('change what a virtual key may do; whom it belongs to never changes');
  return withKeyOptions(withCommon(update.argument('<key>', 'id or name')))
    .option('--name <name>', 'another name')
    .option('--clear <list>', `take restrictions off: ${CLEARABLE_NAMES}`)
    .action(async (asked: string, options: UpdateOptions) => {
      const { name, expires, clear } = options;
      const body = {
        ...(name === undefined ? {} : { name }),
        ...(expires === undefined ? {} : { expires_at: instantOf(expires, '--expires') }),
        ...keyBody(options),
        ...clearedBody(clear),
      };
      if (Object.keys(body).length === 0)
        throw usageError('Nothing to change.', 'Give what changes, such as --models fast, or --clear models.');
      const client = clientOf(context, options);
      const changed = await client.call('keys.update', { path: { id: await keyId(client, asked) }, body });
      present(context, options, changed, (view) => confirmedText(view, 'is changed'));
    });
}

const SWITCHES = {
  block: { operation: 'keys.block', what: 'block a virtual key; it can be unblocked', done: 'is blocked' },
  unblock: { operation: 'keys.unblock', what: 'let a blocked virtual key work again', done: 'works again' },
} as const;

function switchCommand(context: CliContext, keyId: FindKey, verb: keyof typeof SWITCHES): Command {
  const { operation, what, done } = SWITCHES[verb];
  return withCommon(new Command(verb).description(what).argument('<key>', 'id or name')).action(
    async (asked: string, options: CommonOptions) => {
      const client = clientOf(context, options);
      const changed = await client.call(operation, { path: { id: await keyId(client, asked) } });
      present(context, options, changed, (view) => confirmedText(view, done));
    },
  );
}

function confirmedText({ name, id, confirmations }: ReplyOf<'keys.block'>, done: string): string {
  const told = confirmations.map(({ process, confirmed, action }) => {
    const how = confirmed ? 'has it' : action === 'restarted' ? 'did not confirm and was restarted' : action;
    return `  ${process}: ${how}\n`;
  });
  return `The key ${name} (${id}) ${done}.\n${told.join('')}`;
}
