/**
 * Errors that may be told, by their code. The words that people read are a table (`error-table.ts`), which `errors.ts` puts under them; the vault does without and
 * tells codes alone, so that what it loads stays small.
 */
import type { ErrorCode, ErrorRow } from './error-table.ts';

type Values = Readonly<Record<string, string | number>>;

let words: Readonly<Record<string, ErrorRow>> | undefined;

export function speakWith(table: Readonly<Record<string, ErrorRow>>): void {
  words = table;
}

/** Fills the `{name}` places of a row's text. A place without a value stays visible. */
const fill = (text: string, values: Values): string => text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));

/** An error that a client or operator may see: code, safe sentence, remedy. The cause stays inside. */
export class BulkheadError extends Error {
  override readonly name = 'BulkheadError';
  readonly code: ErrorCode;
  readonly values: Values;

  constructor(code: ErrorCode, values: Values = {}, options?: ErrorOptions) {
    super(words === undefined ? `${code} ${JSON.stringify(values)}` : fill(words[code]?.message ?? code, values), options);
    this.code = code;
    this.values = values;
  }

  /** Throws in a process that has no words. */
  get row(): ErrorRow {
    const row = words?.[this.code];
    if (row === undefined) throw new Error(`no words for ${this.code}`);
    return row;
  }

  get remedy(): string {
    return fill(this.row.remedy, this.values);
  }
}

/** Without the table, whatever looks like a code. */
export const isErrorCode = (text: string): text is ErrorCode =>
  words === undefined ? /^[a-z_]{1,64}$/.test(text) : Object.hasOwn(words, text);

/** What was thrown as an error that may be told: anything unknown becomes `internal` and stays inside as its cause. */
export const asBulkheadError = (error: unknown): BulkheadError =>
  error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error });
