import fs from 'node:fs';
import path from 'node:path';
import { CliFailure, systemCode } from '../failure.ts';
import { writeWhole } from '../write-whole.ts';
import type { Connection, SettingsFile } from './connection.ts';

/** A settings file as it is and as it would be. */
export interface PlannedFile {
  /** Where it really is: a link is followed, so that it stays one. */
  readonly path: string;
  readonly before: string | undefined;
  edit(connection: Connection): string;
}

export interface WrittenFile {
  readonly path: string;
  /** Null: there was no file before. */
  readonly backup: string | null;
}

/** Throws CliFailure where a file cannot be read. */
export function planFile(settings: SettingsFile): PlannedFile {
  const real = realPath(settings.path);
  const before = readText(real);
  return { path: real, before, edit: (connection) => settings.edit(before, connection) };
}

function realPath(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return file;
    throw unreadable(file, error);
  }
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
}

const unreadable = (file: string, cause: unknown): CliFailure =>
  new CliFailure(
    {
      code: 'unreadable',
      message: `${file} cannot be read (${systemCode(cause) ?? 'unknown reason'}).`,
      remedy: 'Check the path and your right to read it.',
    },
    { cause },
  );

/** Writes all, each whole and readable by its owner alone (they hold a key); what was there before is kept beside it. */
export function writeFiles(files: readonly PlannedFile[], connection: Connection, at: number): readonly WrittenFile[] {
  // Every new text is made before the first file is touched.
  const texts = files.map((file) => ({ ...file, after: file.edit(connection) }));
  return texts.map(({ path: file, before, after }) => {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const backup = before === undefined ? null : `${file}.before-bulkhead-${stamp(at)}`;
    if (backup !== null && before !== undefined) writeWhole(backup, before);
    writeWhole(file, after);
    return { path: file, backup };
  });
}

/** `20261123T184501123`: sorts, and two runs differ. */
const stamp = (at: number): string => new Date(at).toISOString().replace(/[-:.Z]/g, '');

/** Lines taken out and put in, as `- …` and `+ …`, with the common ones around them left out. */
export function changedLines(before: string | undefined, after: string): readonly string[] {
  const [old, now] = [lines(before ?? ''), lines(after)];
  const kept = commonLines(old, now);
  const out = old.filter((_, i) => !kept.old.has(i)).map((line) => ({ line, sign: '-' }));
  const put = now.filter((_, i) => !kept.now.has(i)).map((line) => ({ line, sign: '+' }));
  return [...out, ...put].map(({ sign, line }) => `${sign} ${line}`);
}

const lines = (text: string): readonly string[] => text.split(/\r?\n/).filter((line, i, all) => line !== '' || i < all.length - 1);

/** Greedy in order: settings files are short and the changes few. */
function commonLines(
  old: readonly string[],
  now: readonly string[],
): { readonly old: ReadonlySet<number>; readonly now: ReadonlySet<number> } {
  const kept = { old: new Set<number>(), now: new Set<number>() };
  let from = 0;
  for (const [i, line] of old.entries()) {
    const at = now.indexOf(line, from);
    if (at < 0) continue;
    kept.old.add(i);
    kept.now.add(at);
    from = at + 1;
  }
  return kept;
}
