import path from 'node:path';
import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import { formatProblem, type ConfigProblem } from '../../config/config.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { EXIT, usageError } from '../failure.ts';
import { facts, grouped, moment } from '../table.ts';
import { readText } from './config.ts';

type Shown = ReplyOf<'prices.show'>;
type ModelPrice = ReplyOf<'prices.model'>;
type Comparison = ReplyOf<'prices.compare'>;
type Rates = ModelPrice['now'];

interface DiffOptions extends CommonOptions {
  readonly all?: true;
}

/** `bulkhead prices`: which prices are in force, and a prices file of one's own. */
export function pricesCommand(context: CliContext): Command {
  const prices = new Command('prices').description('show the prices in force; compare and apply a prices file');
  prices.addCommand(
    withCommon(new Command('show').description('show which prices are in force')).action(async (options: CommonOptions) =>
      present(context, options, await clientOf(context, options).call('prices.show'), shownText),
    ),
  );
  prices.addCommand(
    withCommon(new Command('model').description('show what a model costs now, and where that stands').argument('<provider/model>')).action(
      async (name: string, options: CommonOptions) =>
        present(context, options, await clientOf(context, options).call('prices.model', { query: placeOf(name) }), modelText),
    ),
  );
  prices.addCommand(
    withCommon(new Command('diff').description('show what a prices file would change').argument('<file>'))
      .option('--all', 'every change, not the first forty')
      .action(async (file: string, options: DiffOptions) => diff(context, file, options)),
  );
  prices.addCommand(
    withCommon(new Command('apply').description('put a prices file in force; rows that have a price keep it').argument('<file>')).action(
      async (file: string, options: CommonOptions) => apply(context, file, options),
    ),
  );
  prices.addCommand(
    withCommon(new Command('reset').description('go back to the built-in prices')).action(async (options: CommonOptions) =>
      present(context, options, await clientOf(context, options).call('prices.reset'), () => 'The built-in prices hold again.\n'),
    ),
  );
  return prices;
}

/** The first slash ends the provider: models of resellers have slashes of their own. */
function placeOf(name: string): { readonly provider: string; readonly model: string } {
  const slash = name.indexOf('/');
  if (slash < 1 || slash === name.length - 1) throw usageError(`${name} names no model of a provider.`, 'Write it like openai/gpt-5.');
  return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}

const fileBody = ({ terminal }: CliContext, file: string) => ({
  name: path.basename(file),
  text: readText(path.resolve(terminal.cwd, file), file, 'Name a prices file; see docs/guide/prices.md.'),
});

async function diff(context: CliContext, file: string, options: DiffOptions): Promise<void> {
  const comparison = await clientOf(context, options).call('prices.compare', { body: fileBody(context, file) });
  if (comparison.problems.length > 0) context.exitWith(EXIT.failed);
  present(context, options, comparison, (answer) => problemsText(file, answer.problems) ?? diffText(answer, options));
}

async function apply(context: CliContext, file: string, options: CommonOptions): Promise<void> {
  const answer = await clientOf(context, options).call('prices.apply', { body: fileBody(context, file) });
  if (!answer.applied) context.exitWith(EXIT.failed);
  present(
    context,
    options,
    answer,
    ({ version, problems }) =>
      problemsText(file, problems) ?? `Version ${version} holds for calls that end from now on. Rows that have a price keep it.\n`,
  );
}

function problemsText(file: string, problems: readonly ConfigProblem[]): string | undefined {
  if (problems.length === 0) return undefined;
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return `${problems.map(formatProblem).join('\n')}\n\n${count} in ${file}; nothing changed.\n`;
}

function shownText({ built_in: builtIn, table, entries, discounts, margins, unknown_price: unknown, problems }: Shown): string {
  const own =
    table === null
      ? 'none'
      : `version ${table.version} of ${table.name}, ${grouped(table.models)} models, since ${moment(table.applied_at)} (${table.origin === 'file' ? 'prices_file of bulkhead.yaml' : 'applied by hand'})`;
  const refused = problems.map((problem) => `NOT APPLIED ${formatProblem(problem)}\n`).join('');
  return (
    refused +
    facts([
      ['bulkhead.yaml', `${entries} prices, ${discounts} discounts, ${margins} margins`],
      ['prices file', own],
      ['built in', `version ${builtIn.version}, ${grouped(builtIn.models)} models of ${builtIn.lists} lists`],
      ['unknown price', unknown === 'dearest' ? 'charged like the dearest of its list, flagged' : 'refused (402)'],
    ])
  );
}

const ORIGINS: Readonly<Record<ModelPrice['origin'], string>> = {
  'bulkhead.yaml': 'prices of bulkhead.yaml',
  'prices file': 'the prices file',
  'built in': 'built in',
  free: 'free: nobody is paid for it',
  unknown: 'unknown: the dearest of its list counts, flagged',
};

const words = (item: string): string => item.replaceAll('_', ' ');

function amountLines({ amounts }: Rates): readonly (readonly [string, string])[] {
  return amounts.map(({ item, per, usd, above_input_tokens: above }) => [
    words(item),
    `${usd} usd ${per === 'million tokens' ? 'a million' : per === 'call' ? 'a call' : 'each'}${above === null ? '' : `, above ${grouped(above)} input tokens`}`,
  ]);
}

function modelText(price: ModelPrice): string {
  const { provider, model, base_model: base, list, entry, origin, source, seen, version, now } = price;
  return facts([
    ['model', `${provider}/${model}`],
    ...(base === null ? [] : [['priced as', `${base} (base_model of its target)`] as const]),
    ['price', `${ORIGINS[origin]}${entry === '' ? '' : `, entry ${entry}`}`],
    ['list', list],
    ...(source === null ? [] : [['read at', `${source}${seen === null ? '' : ` (${seen})`}`] as const]),
    ['version', version],
    ...amountLines(now),
  ]);
}

/** A comparison with a whole catalogue has thousands; a screen shows the first. */
const MOST_SHOWN = 40;

function diffText({ version, changes, same }: Comparison, { all }: DiffOptions): string {
  const shown = all === true ? changes : changes.slice(0, MOST_SHOWN);
  const lines = shown.map(({ list, model, change, before, after }) => {
    const [old, next] = [before.at(-1), after.at(-1)].map((rates) => (rates === undefined ? 'no price' : shortText(rates)));
    const dates = after.length > 1 || before.length > 1 ? ' (of several, the last)' : '';
    return `${SIGNS[change]} ${list}/${model}: ${change === 'new' ? next : `${old} → ${next}`}${dates}\n`;
  });
  const more = shown.length < changes.length ? `… and ${changes.length - shown.length} more; --all shows them.\n` : '';
  return `${lines.join('')}${more}Version ${version}: ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}, ${same} the same.\n`;
}

const SIGNS: Readonly<Record<Comparison['changes'][number]['change'], string>> = { new: '+', changed: '~', gone: '-' };

const shortText = ({ amounts }: Rates): string =>
  amounts.length === 0
    ? 'known without a price'
    : amounts
        .filter(({ above_input_tokens: above }) => above === null)
        .map(({ item, usd }) => `${words(item)} ${usd}`)
        .join(', ');
