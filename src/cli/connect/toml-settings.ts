import { CliFailure } from '../failure.ts';

/**
 * Sets single-line strings in a TOML file without reading the rest of it: every other line, comments included, stays byte for byte.
 * What it is not sure of it refuses; a parser would lose the comments.
 */
export interface TomlChange {
  /** Dotted name of a table, or null for the keys before the first one. */
  readonly table: string | null;
  readonly values: Readonly<Record<string, string>>;
}

export function mergeToml(file: string, before: string | undefined, changes: readonly TomlChange[]): string {
  const newline = before?.includes('\r\n') === true ? '\r\n' : '\n';
  const lines = (before ?? '').split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const changed = changes.reduce((text, change) => setIn(file, text, change), lines as readonly string[]);
  return `${changed.join(newline)}${newline}`;
}

type Kind = 'header' | 'inside' | 'other';
interface Line {
  readonly kind: Kind;
  /** Of a header: its dotted name, spaces and quotes gone. `[[x]]` counts as a header of its own that is never written to. */
  readonly name: string;
}

const HEADER = /^\s*\[(\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/;

/** Which lines are headers. A line inside a multi-line string or list is none, however it looks. */
function readLines(file: string, lines: readonly string[]): readonly Line[] {
  let open: string | null = null;
  let depth = 0;
  const read = lines.map((line): Line => {
    const inside: boolean = open !== null || depth > 0;
    const header = inside ? null : HEADER.exec(line);
    if (header !== null) return { kind: 'header', name: header[1] === '' ? plainName(header[2] ?? '') : '' };
    ({ open, depth } = after(line, open, depth));
    return { kind: inside ? 'inside' : 'other', name: '' };
  });
  if (open !== null || depth !== 0) throw unsure(file, 'a string or list in it does not end');
  return read;
}

const plainName = (name: string): string =>
  name
    .split('.')
    .map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .join('.');

/** What is still open behind a line: a multi-line string's quotes, or brackets of a list. */
function after(line: string, open: string | null, depth: number): { open: string | null; depth: number } {
  let state = { open, depth };
  for (let at = 0; at < line.length;) {
    if (state.open !== null) {
      if (line[at] === '\\' && state.open.startsWith('"')) at += 2;
      else if (line.startsWith(state.open, at)) {
        at += state.open.length;
        state = { ...state, open: null };
      } else at++;
      continue;
    }
    const [sign] = line.slice(at, at + 1);
    if (sign === '#') break;
    if (sign === '"' || sign === "'") {
      const triple = sign.repeat(3);
      const quotes = line.startsWith(triple, at) ? triple : sign;
      at += quotes.length;
      state = { ...state, open: quotes };
      continue;
    }
    if (sign === '[' || sign === '{') state = { ...state, depth: state.depth + 1 };
    if (sign === ']' || sign === '}') state = { ...state, depth: state.depth - 1 };
    at++;
  }
  // An ordinary string ends with its line.
  return state.open?.length === 1 ? { ...state, open: null } : state;
}

function setIn(file: string, lines: readonly string[], { table, values }: TomlChange): readonly string[] {
  const read = readLines(file, lines);
  const from = table === null ? -1 : read.findIndex(({ kind, name }) => kind === 'header' && name === table);
  refuseOtherForms(file, lines, read, table);
  if (table !== null && from < 0)
    return [...lines, ...(lines.length > 0 ? [''] : []), `[${table}]`, ...Object.entries(values).map(([key, value]) => entry(key, value))];
  const next = read.findIndex(({ kind }, i) => i > from && kind === 'header');
  const to = next < 0 ? lines.length : next;
  const own = Object.entries(values).reduce<readonly string[]>(
    (section, [key, value]) => setKey(file, section, key, value),
    lines.slice(from + 1, to),
  );
  return [...lines.slice(0, from + 1), ...spaced(own, to < lines.length && from < 0), ...lines.slice(to)];
}

/** An empty line before the first table. */
const spaced = (section: readonly string[], isBeforeTable: boolean): readonly string[] =>
  isBeforeTable && section.at(-1)?.trim() !== '' ? [...section, ''] : section;

/** The same table written another way (`a = { … }`, `a.b.c = …`, a header inside it by another spelling) would make the file say it twice. */
function refuseOtherForms(file: string, lines: readonly string[], read: readonly Line[], table: string | null): void {
  if (table === null) return;
  const [first = '', ...rest] = table.split('.');
  const last = rest.at(-1) ?? first;
  let inside = '';
  for (const [i, { kind, name }] of read.entries()) {
    if (kind === 'header') inside = name;
    const text = lines[i] ?? '';
    const isTop = inside === '' && new RegExp(`^\\s*["']?${first}["']?\\s*[.=]`).test(text);
    const isInParent = inside === first && rest.length > 0 && new RegExp(`^\\s*["']?${last}["']?\\s*[.=]`).test(text);
    if (kind === 'other' && (isTop || isInParent)) throw unsure(file, `\`${table}\` is written in a form that this program does not edit`);
  }
}

function setKey(file: string, section: readonly string[], key: string, value: string): readonly string[] {
  const isKey = new RegExp(`^\\s*(?:${key}|"${key}"|'${key}')\\s*=`);
  const read = readLines(file, section);
  const at = section.findIndex((line, i) => read[i]?.kind === 'other' && isKey.test(line));
  if (at < 0) return insertBeforeBlankTail(section, entry(key, value));
  const line = section[at] ?? '';
  const comment = /=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_.+-]+)\s*(#.*)?$/.exec(line);
  if (comment === null || /=\s*("""|''')/.test(line)) throw unsure(file, `the value of \`${key}\` is not on one line`);
  const kept = comment[1] === undefined ? '' : ` ${comment[1]}`;
  return section.with(at, `${/^\s*/.exec(line)?.[0] ?? ''}${entry(key, value)}${kept}`);
}

function insertBeforeBlankTail(section: readonly string[], line: string): readonly string[] {
  const last = section.findLastIndex((text) => text.trim() !== '');
  return section.toSpliced(last + 1, 0, line);
}

/** JSON's escapes are a subset of a TOML basic string's. */
const entry = (key: string, value: string): string => `${key} = ${JSON.stringify(value)}`;

const unsure = (file: string, why: string): CliFailure =>
  new CliFailure({
    code: 'settings_unreadable',
    message: `${file} cannot be changed safely: ${why}.`,
    remedy: 'Put the settings in by hand; see docs/clients/codex.md.',
  });
