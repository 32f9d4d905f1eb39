import fs from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import type { Check, DoctorView } from '../../api/node.ts';
import { LAYOUTS, type Layout } from '../../core/process.ts';
import { clientOf, folderOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { readSpec } from '../data-folder.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { LAYOUT_WORDS } from '../layers.ts';
import { age, facts, table, type Column } from '../table.ts';
import { printable, styled, type Terminal } from '../terminal.ts';
import { DEFAULT_CONFIG, loadConfigFile } from './config.ts';

/** First Node.js release with the fixes that Bulkhead counts on (HTTP decoder, permission model). */
const RUNTIME_FLOOR = '26.12.1';

/** `bulkhead doctor`: which layers of isolation are live, and what they do and do not stop. */
export function doctorCommand(context: CliContext): Command {
  return withCommon(new Command('doctor').description('say which layers of isolation are live, and what they stop'))
    .addHelpText('after', '\nExit status: 0 all is well (warnings allowed), 1 there is a problem, 2 no node answers.')
    .action(async (options: CommonOptions) => {
      try {
        const view = await clientOf(context, options).call('doctor.show');
        if (view.status === 'fail') context.exitWith(EXIT.failed);
        present(context, options, { running: true, ...view, ...layoutWords(view.layout) }, () => viewText(context.terminal, view));
      } catch (error) {
        if (!(error instanceof CliFailure) || error.exit !== EXIT.unusable) throw error;
        const checks = await localChecks(context, options, error);
        context.exitWith(EXIT.unusable);
        present(
          context,
          options,
          { running: false, checks },
          () =>
            `No node answers, so this is only what can be seen from outside.\n\n${checks.map((check) => checkLine(context.terminal, check)).join('')}`,
        );
      }
    });
}

const asLayout = (text: string): Layout | undefined => LAYOUTS.find((layout) => layout === text);

const layoutWords = (layout: string): object => {
  const known = asLayout(layout);
  return known === undefined ? {} : { stops: LAYOUT_WORDS[known].stops, does_not_stop: LAYOUT_WORDS[known].doesNotStop };
};

function viewText(terminal: Terminal, view: DoctorView): string {
  const layout = asLayout(view.layout);
  const words = layout === undefined ? undefined : LAYOUT_WORDS[layout];
  const list = (title: string, items: readonly string[]): string =>
    items.length === 0 ? '' : `${title}\n${items.map((item) => `  - ${item}\n`).join('')}`;
  return [
    facts([
      ['isolation', `${view.layout}${words === undefined ? '' : `: ${words.summary}`}`],
      ['gateway', view.gateway_url],
      ['control', view.control_url],
      ['config', `${view.config.source ?? 'defaults, no file'} (version ${view.config.version})`],
      ['runtime', `Node.js ${view.runtime.version}${view.runtime.below_floor ? `, below the patch floor ${view.runtime.floor}` : ''}`],
    ]),
    table(PROCESS_COLUMNS, view.processes),
    view.checks.map((check) => checkLine(terminal, check)).join(''),
    list('When one process is taken over, this stops:', words?.stops ?? []) + list('It does not stop:', words?.doesNotStop ?? []),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const MARKS = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const;

function checkLine(terminal: Terminal, { status, name, message, remedy }: Check): string {
  const [style, mark] = MARKS[status];
  return `${styled(terminal, style, mark)} ${printable(name)}: ${printable(message)}\n${remedy === null ? '' : `    ${printable(remedy)}\n`}`;
}

type ProcessRow = DoctorView['processes'][number];
type CheckFacts = Readonly<Record<string, unknown>>;

const checkOf = (row: ProcessRow): CheckFacts =>
  typeof row['check'] === 'object' && row['check'] !== null ? (row['check'] as CheckFacts) : {};
const word = (row: CheckFacts, name: string): string => {
  const value = row[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '–';
};
/** Unknown is not yes. */
const yesNo = (value: unknown): string => (value === true ? 'yes' : value === false ? 'no' : '–');

const PROCESS_COLUMNS: readonly Column<ProcessRow>[] = [
  { title: 'process', cell: (row) => `${word(row, 'role')}-${word(row, 'index')}` },
  { title: 'pid', align: 'right', cell: (row) => word(row, 'pid') },
  { title: 'state', cell: (row) => word(row, 'state') },
  { title: 'up', align: 'right', cell: (row) => (typeof row['startedAt'] === 'number' ? age(Date.now() - row['startedAt']) : '–') },
  { title: 'restarts', align: 'right', cell: (row) => word(row, 'restarts') },
  { title: 'uid', align: 'right', cell: (row) => word(checkOf(row), 'uid') },
  { title: 'dumpable', cell: (row) => yesNo(checkOf(row)['dumpable']) },
  { title: 'no network', cell: (row) => yesNo(checkOf(row)['emptyNetwork']) },
  { title: 'own pids', cell: (row) => yesNo(checkOf(row)['ownPidNamespace']) },
  { title: 'no new privs', cell: (row) => yesNo(checkOf(row)['noNewPrivileges']) },
  { title: 'permission', cell: (row) => yesNo(checkOf(row)['permissionModel']) },
  { title: 'landlock', cell: (row) => yesNo(checkOf(row)['landlock']) },
];

/** What can be judged without a node. */
async function localChecks(context: CliContext, options: CommonOptions, failure: CliFailure): Promise<readonly Check[]> {
  const folder = folderOf(context, options);
  const spec = readSpec(folder);
  return [
    { name: 'node', status: 'fail', message: failure.facts.message, remedy: failure.facts.remedy },
    runtimeCheck(process.versions.node),
    platformCheck(),
    spec === undefined
      ? { name: 'data folder', status: 'warn', message: `${folder.path} holds no node yet`, remedy: 'bulkhead up makes one.' }
      : { name: 'data folder', status: 'ok', message: `${folder.path}, last started with isolation ${spec.isolation}`, remedy: null },
    ...tokenChecks(folder.tokenFile),
    ...(await configChecks(context, spec?.configFile ?? path.resolve(context.terminal.cwd, DEFAULT_CONFIG))),
  ];
}

function runtimeCheck(version: string): Check {
  const below = isBelow(version, RUNTIME_FLOOR);
  return {
    name: 'runtime',
    status: below ? 'warn' : 'ok',
    message: `Node.js ${version}${below ? ` is below the patch floor ${RUNTIME_FLOOR}` : ''}`,
    remedy: below ? 'Update Bulkhead as soon as a release pins a newer runtime; until then no process uses the parts concerned.' : null,
  };
}

function isBelow(version: string, floor: string): boolean {
  const [a, b] = [version, floor].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const [left, right] = [a?.[i] ?? 0, b?.[i] ?? 0];
    if (left !== right) return left < right;
  }
  return false;
}

const platformCheck = (): Check =>
  process.platform === 'linux'
    ? {
        name: 'system',
        status: 'ok',
        message: `Linux, ${process.getuid?.() === 0 ? 'as root: own uids are possible' : 'without root: namespaces or Landlock are possible'}`,
        remedy: null,
      }
    : {
        name: 'system',
        status: 'warn',
        message: `${process.platform} has the permission model only`,
        remedy: 'Use Linux for anything but development.',
      };

function tokenChecks(file: string): readonly Check[] {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  const isOpen = (stat.mode & 0o077) !== 0;
  return [
    {
      name: 'admin token',
      status: isOpen ? 'fail' : 'ok',
      message: isOpen ? `${file} can be read by others` : `${file} is its owner’s alone`,
      remedy: isOpen ? `chmod 600 ${file}; if others may have read it, delete it and restart: a new one is made.` : null,
    },
  ];
}

async function configChecks(context: CliContext, file: string): Promise<readonly Check[]> {
  if (!fs.existsSync(file)) return [{ name: 'config', status: 'ok', message: 'no file: the defaults', remedy: null }];
  const loaded = await loadConfigFile(file, path.relative(context.terminal.cwd, file) || file);
  if (loaded.ok) return [{ name: 'config', status: 'ok', message: `${file} is valid`, remedy: null }];
  return loaded.error.map(({ file: shown, line, reason, remedy }) => ({
    name: 'config',
    status: 'fail' as const,
    message: `${shown}:${line}: ${reason}`,
    remedy,
  }));
}
