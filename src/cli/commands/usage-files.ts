import fs from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import type { ReplyOf } from '../../api/operations.ts';
import { csvLine } from '../../core/csv.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { CliFailure, systemCode } from '../failure.ts';
import { bar, grouped, moment, table, type Column } from '../table.ts';
import { formerZone, windowQuery, withWindow, type WindowOptions } from './usage-window.ts';

/** `bulkhead usage export`, `statement` and `differences`: what leaves the ledger for accountants and for those who check it. */

const PROGRESS_MS = 2000;

/** A file appears whole or not at all; without one, lines go to standard output. */
interface Sink {
  write(text: string): void;
  done(): void;
  abandon(): void;
}

function fileSink(file: string): Sink {
  const draft = `${file}.${process.pid}.draft`;
  const descriptor = fs.openSync(draft, 'wx', 0o600);
  return {
    write: (text) => void fs.writeSync(descriptor, text),
    done: () => {
      fs.fsyncSync(descriptor);
      fs.closeSync(descriptor);
      fs.renameSync(draft, file);
    },
    abandon: () => {
      fs.closeSync(descriptor);
      fs.rmSync(draft, { force: true });
    },
  };
}

function sinkFor({ terminal }: CliContext, out: string | undefined): Sink {
  if (out === undefined) return { write: (text) => terminal.out(text), done: () => undefined, abandon: () => undefined };
  const file = path.resolve(terminal.cwd, out);
  try {
    return fileSink(file);
  } catch (cause) {
    throw new CliFailure(
      {
        code: 'file_unusable',
        message: `${file} cannot be written (${systemCode(cause) ?? 'unknown'}).`,
        remedy: 'Name a file in a folder that exists and that you may write to.',
      },
      { cause },
    );
  }
}

type ExportOptions = WindowOptions & { readonly format: string; readonly out?: string };

export const exportCommand = (context: CliContext): Command =>
  withWindow(new Command('export').description('every call, or daily charges for FinOps tools, into a file'))
    .option('--format <format>', 'csv, json (one object a line), or focus (FOCUS 1.2, charges by day)', 'csv')
    .option('--out <file>', 'the file to write (default: standard output)')
    .action(async (_: object, command: Command) => {
      const { limit: _limit, ...options } = command.optsWithGlobals<ExportOptions>();
      const sink = sinkFor(context, options.out);
      try {
        const lines = await exportInto(context, options, sink);
        sink.done();
        if (options.out !== undefined) context.terminal.err(`${grouped(lines)} lines in ${options.out}\n`);
      } catch (error) {
        sink.abandon();
        throw error;
      }
    });

/** A page at a time: memory stays the same however much there is. */
async function exportInto(context: CliContext, options: ExportOptions, sink: Sink): Promise<number> {
  const client = clientOf(context, options);
  let query: Record<string, string | undefined> = { ...windowQuery(options), format: options.format };
  let [lines, total, told] = [0, null as number | null, performance.now()];
  for (;;) {
    const page = await client.call('usage.export', { query });
    sink.write(page.text);
    lines += page.lines;
    total ??= page.total;
    if (page.next === null) return lines;
    // The first page fixed the end, so that a long export does not chase the calls made meanwhile.
    query = { ...query, until: page.to, after: page.next };
    if (performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    context.terminal.err(`${grouped(lines)}${total === null ? '' : ` of ${grouped(total)}`} lines\n`);
  }
}

type Statement = ReplyOf<'usage.statement'>;
type Team = Statement['teams'][number];
interface StatementOptions extends CommonOptions {
  readonly month: string;
  readonly timeZone?: string;
  readonly tz?: string;
  readonly team?: string;
  readonly organization?: string;
  readonly csv?: boolean;
}

export const statementCommand = (context: CliContext): Command =>
  withCommon(new Command('statement').description('what each team is charged for a month'))
    .requiredOption('--month <month>', 'such as 2026-11')
    .option('--team <team>', 'only this team')
    .option('--organization <organization>', 'only this organization')
    .option('--time-zone <name>', 'where the month begins, such as Europe/Berlin (default: UTC)')
    .addOption(formerZone())
    .option('--csv', 'print CSV')
    .action(async (_: object, command: Command) => {
      const options = command.optsWithGlobals<StatementOptions>();
      const { month, timeZone, tz, team, organization } = options;
      const answer = await clientOf(context, options).call('usage.statement', {
        query: { month, time_zone: timeZone ?? tz, team, organization },
      });
      if (options.csv === true) context.terminal.out(statementCsv(answer));
      else present(context, options, answer, statementText);
    });

const nameOf = ({ team, team_name: name }: Team): string => name ?? (team === '' ? '(no team)' : team);
const BAR_WIDTH = 20;

/** `~`: some of it was counted by us. `?`: some of it only the vault saw. `$`: some of it has no known price. */
const marks = ({ estimated, unconfirmed, unpriced }: Pick<Team, 'estimated' | 'unconfirmed' | 'unpriced'>): string =>
  (estimated > 0 ? '~' : '') + (unconfirmed > 0 ? '?' : '') + (unpriced > 0 ? '$' : '');

interface Line {
  readonly project: string;
  readonly figures: Pick<Team, 'requests' | 'input_tokens' | 'output_tokens' | 'cost_usd' | 'estimated' | 'unconfirmed' | 'unpriced'>;
  readonly model: string;
  readonly share: number | null;
}

const STATEMENT_COLUMNS: readonly Column<Line>[] = [
  { title: 'project', cell: ({ project }) => (project === '' ? '–' : project) },
  { title: 'model', cell: ({ model }) => model },
  { title: 'requests', align: 'right', cell: ({ figures }) => grouped(figures.requests) },
  { title: 'in', align: 'right', cell: ({ figures }) => grouped(figures.input_tokens) },
  { title: 'out', align: 'right', cell: ({ figures }) => grouped(figures.output_tokens) },
  { title: 'usd', align: 'right', cell: ({ figures }) => figures.cost_usd },
  { title: '', cell: ({ figures }) => marks(figures) },
  { title: 'share', cell: ({ share }) => (share === null ? '' : bar(share, BAR_WIDTH)) },
];

function statementText(statement: Statement): string {
  const { month, time_zone: zone, from, to, complete, teams } = statement;
  const heading = `Statement for ${month}, ${zone} (${moment(from)} to ${moment(to)})${complete ? '' : ', not final yet'}\n`;
  if (teams.length === 0) return `${heading}\nNothing was used.\n`;
  const parts = teams.map((team) => {
    const lines = team.lines.map((line): Line => ({
      ...line,
      figures: line,
      share: Number(team.cost_usd) === 0 ? 0 : Number(line.cost_usd) / Number(team.cost_usd),
    }));
    const total: Line = { project: 'total', model: '', figures: team, share: null };
    return `\n${nameOf(team)} (${team.organization_name ?? team.organization})\n${table(STATEMENT_COLUMNS, lines, [total])}`;
  });
  const marked = teams.some((team) => marks(team) !== '');
  const legend = marked
    ? '\n~ estimated tokens among them   ? unconfirmed: only the vault saw the call   $ price not known, charged like the dearest\n'
    : '';
  const cut = statement.truncated ? '\nThere are more lines than fit a statement: narrow it with --team.\n' : '';
  return heading + parts.join('') + legend + cut;
}

const CSV_FIGURES = ['requests', 'input_tokens', 'output_tokens', 'cost_usd', 'estimated', 'unconfirmed', 'unpriced'] as const;

function statementCsv({ month, teams }: Statement): string {
  const heading = csvLine(['month', 'organization', 'team', 'team_name', 'project', 'model', ...CSV_FIGURES]);
  const lines = teams.flatMap(({ organization, team, team_name: name, lines: all }) =>
    all.map((line) => csvLine([month, organization, team, name, line.project, line.model, ...CSV_FIGURES.map((figure) => line[figure])])),
  );
  return heading + lines.join('');
}

type Difference = ReplyOf<'reconciliation.list'>['differences'][number];
interface DifferencesOptions extends CommonOptions {
  readonly since: string;
  readonly until?: string;
  readonly kind?: string;
  readonly limit?: string;
}

/** In words what a kind means, for those who see it the first time. */
const KINDS: Readonly<Record<Difference['kind'], string>> = {
  missing_usage: 'no report of the gateway',
  missing_journal: 'no record of the vault',
  owner: 'another owner named',
  bytes_sent: 'bytes sent differ',
  bytes_received: 'bytes received differ',
  input_tokens: 'too few input tokens for the bytes',
  output_tokens: 'too few output tokens for the bytes',
};

const count = (value: number | null): string => (value === null ? '–' : grouped(value));

const DIFFERENCE_COLUMNS: readonly Column<Difference>[] = [
  { title: 'found', cell: ({ found_at: at }) => moment(at) },
  { title: 'request', cell: ({ request_id: id, attempt }) => (attempt === 1 ? id : `${id} (attempt ${attempt})`) },
  { title: 'difference', cell: ({ kind }) => KINDS[kind] },
  { title: 'gateway', align: 'right', cell: ({ reported }) => count(reported) },
  { title: 'vault', align: 'right', cell: ({ journal }) => count(journal) },
  { title: 'settled', cell: ({ resolved_at: at }) => (at === null ? '' : moment(at)) },
];

export const differencesCommand = (context: CliContext): Command =>
  withCommon(new Command('differences').description('calls of which gateway and vault report differently'))
    .option('--since <time>', 'found since: how far back (24h, 7d), or from when', '7d')
    .option('--until <time>', 'until when (default: now)')
    .option('--kind <kind>', Object.keys(KINDS).join(', '))
    .option('--limit <count>', 'most rows')
    .action(async (_: object, command: Command) => {
      const options = command.optsWithGlobals<DifferencesOptions>();
      const { since, until, kind, limit } = options;
      const answer = await clientOf(context, options).call('reconciliation.list', { query: { since, until, kind, limit } });
      present(context, options, answer, ({ differences, next }) => {
        const more = next === null ? '' : 'There are more: --json has `next`; narrow the time with --since and --until.\n';
        return (table(DIFFERENCE_COLUMNS, differences) || 'Gateway and vault agree on every call of this time.\n') + more;
      });
    });
