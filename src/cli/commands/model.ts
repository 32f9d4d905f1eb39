import { Command } from 'commander';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { table } from '../table.ts';

/** `bulkhead model`: what clients may ask for. */
export function modelCommand(context: CliContext): Command {
  const model = new Command('model').description('list the models that clients may ask for');
  model.addCommand(
    withCommon(new Command('list').description('list aliases, prefixes and their targets')).action(async (options: CommonOptions) =>
      present(context, options, await clientOf(context, options).call('models.list'), ({ models }) =>
        table(
          [
            { title: 'model', cell: ({ alias, prefix }) => (prefix ? `${alias}…` : alias) },
            {
              title: 'goes to',
              cell: ({ targets, prefix }) =>
                targets.map(({ provider, model: name }) => (prefix ? provider : `${provider}/${name}`)).join(', then '),
            },
            { title: 'from', cell: ({ source }) => source },
          ],
          models,
        ),
      ),
    ),
  );
  return model;
}
