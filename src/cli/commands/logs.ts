import fs from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { Command } from 'commander';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { folderOf, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { CliFailure, EXIT, systemCode, usageError } from '../failure.ts';
import { printable, styled, type Terminal } from '../terminal.ts';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly lines: string;
}

const POLL_MS = 200;
const CHUNK_BYTES = 256 * 1024;
/** How far back from the end lines are looked for. */
const TAIL_BYTES = 4 * 1024 * 1024;

/** `bulkhead logs`: the JSON lines of all processes, in words. */
export function logsCommand(context: CliContext): Command {
  return withCommon(new Command('logs').description('show what the processes logged'))
    .option('-f, --follow', 'go on with what is logged from now on, until Ctrl-C')
    .option('-n, --lines <count>', 'this many of the last lines', '100')
    .action(async (options: LogsOptions) => {
      if (!/^\d{1,6}$/.test(options.lines)) throw usageError('--lines is not a whole number.', 'Write it like --lines 200.');
      const { logFile } = folderOf(context, options);
      const { terminal } = context;
      const show = (line: string): void => terminal.out(options.json === true ? `${line}\n` : logLine(terminal, line));
      let reader = openLog(logFile);
      try {
        reader.lastLines(Number(options.lines)).forEach(show);
        if (options.follow !== true) return;
        for (;;) {
          reader.newLines().forEach(show);
          if (reader.wasReplaced()) {
            reader.close();
            reader = openLog(logFile);
          } else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      } finally {
        reader.close();
      }
    });
}

interface LogReader {
  lastLines(count: number): readonly string[];
  newLines(): readonly string[];
  /** The supervisor began a new file under this name. */
  wasReplaced(): boolean;
  close(): void;
}

function openLog(file: string): LogReader {
  const fd = open(file);
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let position = 0;
  let held = '';
  const readToEnd = (): string[] => {
    for (let read = fs.readSync(fd, chunk, 0, chunk.length, position); read > 0; read = fs.readSync(fd, chunk, 0, chunk.length, position)) {
      position += read;
      held += decoder.write(chunk.subarray(0, read));
    }
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    return lines;
  };
  return {
    lastLines: (count) => {
      const start = Math.max(0, fs.fstatSync(fd).size - TAIL_BYTES);
      position = start;
      const lines = readToEnd();
      // A start in the middle of a file is in the middle of a line.
      if (start > 0) lines.shift();
      return count === 0 ? [] : lines.slice(-count);
    },
    newLines: readToEnd,
    wasReplaced: () => fs.statSync(file, { throwIfNoEntry: false })?.ino !== fs.fstatSync(fd).ino && fs.existsSync(file),
    close: () => fs.closeSync(fd),
  };
}

function open(file: string): number {
  try {
    return fs.openSync(file, 'r');
  } catch (cause) {
    throw new CliFailure(
      {
        code: 'no_log',
        message: `There is no log at ${file} (${systemCode(cause) ?? 'unknown reason'}).`,
        remedy: 'Name the data folder of the node with --data. A node that was never started has none.',
        exit: EXIT.unusable,
      },
      { cause },
    );
  }
}

const LEVEL_STYLES = { error: 'red', warn: 'yellow' } as const;
const HEAD_FIELDS: ReadonlySet<string> = new Set(['time', 'ts', 'level', 'role', 'index', 'event']);

/** One JSON line for people; what is no JSON (a crash report) stays as it is, made safe for a terminal. */
export function logLine(terminal: Terminal, line: string): string {
  const entry = parse(line);
  if (entry === undefined) return `${printable(line)}\n`;
  const word = (name: string): string =>
    typeof entry[name] === 'string' || typeof entry[name] === 'number' ? printable(String(entry[name])) : '';
  const level = word('level');
  const time = (word('time') || word('ts')).replace(/^\d{4}-\d\d-\d\dT/, '').replace('Z', '');
  const who = `${word('role')}${word('index') === '' ? '' : `-${word('index')}`}`.padEnd(10);
  const rest = Object.entries(entry).flatMap(([name, value]) =>
    HEAD_FIELDS.has(name) || value === null || value === undefined ? [] : [`${printable(name)}=${valueText(value)}`],
  );
  const shownLevel =
    level === 'info' ? '' : `${level in LEVEL_STYLES ? styled(terminal, LEVEL_STYLES[level as keyof typeof LEVEL_STYLES], level) : level} `;
  return `${styled(terminal, 'dim', time)} ${who} ${shownLevel}${styled(terminal, 'bold', word('event'))}${rest.length === 0 ? '' : ` ${rest.join(' ')}`}\n`;
}

function valueText(value: JsonObject[string]): string {
  const text = typeof value === 'string' ? printable(value) : JSON.stringify(value);
  return /[\s"=]/.test(text) && typeof value === 'string' ? JSON.stringify(text) : text;
}

function parse(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // A line that a process printed while it crashed is shown as it is.
    return undefined;
  }
}
