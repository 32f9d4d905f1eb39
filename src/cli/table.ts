import { printable } from './terminal.ts';

/** A column: its heading, which side its cells align to, and the cell of a row. */
export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  cell(row: Row): string;
}

const pad = (text: string, width: number, align: 'left' | 'right' | undefined): string =>
  align === 'right' ? text.padStart(width) : text.padEnd(width);

/** Aligned columns, two spaces apart, with a heading. No rows: the empty string. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], totals: readonly Row[] = []): string {
  if (rows.length === 0) return '';
  const cells = [...rows, ...totals].map((row) => columns.map((column) => printable(column.cell(row))));
  const widths = columns.map((column, i) => Math.max(column.title.length, ...cells.map((line) => line[i]?.length ?? 0)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => pad(text, widths[i] ?? 0, columns[i]?.align))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const body = cells.slice(0, rows.length).map(line);
  const sums = cells.slice(rows.length).map(line);
  return [line(columns.map(({ title }) => title.toUpperCase())), ...body, ...(sums.length > 0 ? [rule, ...sums] : []), ''].join('\n');
}

/** Names and values below each other. */
export function facts(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join('');
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of at most `width` cells for `share` of the largest, to an eighth of a cell. Anything above nothing shows. */
export function bar(share: number, width: number): string {
  const eighths = share <= 0 ? 0 : Math.max(1, Math.round(Math.min(1, share) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** `used` in full blocks, `held` in shaded ones, the rest dotted: exactly `width` cells. Shares of the whole; anything above nothing shows. */
export function stackedBar(used: number, held: number, width: number): string {
  const cells = (share: number): number => (share <= 0 ? 0 : Math.max(1, Math.min(width, Math.round(share * width))));
  const full = cells(used);
  const shaded = Math.min(width - full, cells(held));
  return '█'.repeat(full) + '▒'.repeat(shaded) + '·'.repeat(width - full - shaded);
}

/** 1234567 → `1,234,567`. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `3 s`, `5 min`, `2 h`, `9 d`: the largest whole unit. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Minutes are exact enough for people; UTC, so that two readers see the same. */
export const moment = (at: string | number): string => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '–' : `${date.toISOString().slice(0, 16).replace('T', ' ')}Z`;
};
