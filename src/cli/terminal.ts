import { stripVTControlCharacters } from 'node:util';

/** Where a command reads and writes. One implementation is the process, another collects text in tests. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  out(text: string): void;
  err(text: string): void;
  /** Escape sequences are welcome on standard output. */
  readonly colour: boolean;
  /** Columns of standard output. */
  readonly width: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // A reader that went away (`bulkhead logs | head`) ends the command; nobody is left to tell.
  stdout.on('error', () => process.exit(0));
  return {
    get stdin() {
      return process.stdin;
    },
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    colour: stdout.isTTY === true && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb',
    width: stdout.columns ?? 100,
    env,
    cwd: process.cwd(),
  };
}

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;
export type Style = keyof typeof STYLES;

export const styled = (terminal: Terminal, style: Style, text: string): string =>
  terminal.colour ? `\u001b[${STYLES[style][0]}m${text}\u001b[${STYLES[style][1]}m` : text;

/**
 * Text from a log, a server or a file, made safe for a terminal: escape sequences and control characters would let
 * whoever wrote it move the cursor or rewrite what stands above.
 */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\r?\n/g, ' ↵ ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�');
