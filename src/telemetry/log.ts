import fs from 'node:fs';
import { systemClock } from '../core/clock.ts';

/**
 * One JSON object a line on standard output. Only listed fields pass, all text is escaped so that no value can start a line or
 * drive a terminal (security.md §8, 33), and nothing that looks like a key is printed.
 *
 * Lines are written in batches off the event loop: a reader that is slow or gone costs log lines, never requests. Every line
 * has a sequence number and a loss is said in a line of its own (`log.gap`), so a gap is never silent.
 */

/** Everything a log line may say besides time, level, role, index, sequence and event. Never prompt or answer text. */
export const LOG_FIELDS = [
  'request_id',
  'attempt',
  'attempts',
  'key',
  'organization',
  'team',
  'model',
  'alias',
  'provider',
  'credential',
  'protocol',
  'method',
  'path',
  'status',
  'code',
  'outcome',
  'reason',
  'cause',
  'stream',
  'address',
  'duration_ms',
  'overhead_ms',
  'ttft_ms',
  'bytes_in',
  'bytes_out',
  'input_tokens',
  'output_tokens',
  'connections',
  'active',
  'pid',
  'uid',
  'signal',
  'exit_code',
  'restarts',
  'generation',
  'version',
  'schema',
  'shard',
  'worker',
  'process',
  'peer',
  'layout',
  'file',
  'line',
  'listen',
  'url',
  'offset',
  'sequence',
  'count',
  'act',
  'actor',
  'target',
  'issuer',
  'keys',
  'rule',
  'percent',
  'picodollars',
  'op',
] as const;
export type LogField = (typeof LOG_FIELDS)[number];
export type LogFields = Readonly<Partial<Record<LogField, string | number | boolean | null>>>;

export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Resolves when everything logged so far is written or lost. */
  flush(): Promise<void>;
  /** Lines lost because the reader was too slow or gone. */
  readonly lost: number;
}

/** Writes whole lines and says when it is done. Called again only after that. */
export type LogSink = (lines: Buffer, done: (error: Error | null) => void) => void;

export interface LoggerOptions {
  readonly role: string;
  readonly index: number;
  /** Default: standard output. */
  readonly write?: LogSink;
  /** Characters that may wait for the reader; default 1 MiB. */
  readonly queueLimit?: number;
}

type Level = 'info' | 'warn' | 'error';

const QUEUE_LIMIT = 1024 * 1024;
const BATCH_MS = 50;
const BATCH_CHARACTERS = 64 * 1024;
const VALUE_CHARACTERS = 2_000;
const ALLOWED: ReadonlySet<string> = new Set(LOG_FIELDS);

export function createLogger(options: LoggerOptions): Logger {
  const queue = new LineQueue(options.write ?? stdoutSink, options.queueLimit ?? QUEUE_LIMIT);
  const { role, index } = options;
  const log = (level: Level, event: string, fields: LogFields | undefined): void =>
    queue.add(level, (seq) => {
      const record = { time: timestamp(), level, role, index, seq, event: clip(event) };
      addFields(record, fields);
      return encodeLine(record);
    });
  if (options.write === undefined) process.once('exit', () => queue.writeNow());
  return {
    info: (event, fields) => log('info', event, fields),
    warn: (event, fields) => log('warn', event, fields),
    error: (event, fields) => log('error', event, fields),
    flush: () => queue.flush(),
    get lost() {
      return queue.lost;
    },
  };
}

/** Characters that JSON leaves alone and a terminal or a line reader does not: DEL, C1, line and paragraph separators, bidi controls. */
// oxlint-disable-next-line no-control-regex -- these are the characters to find
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** Keys of ours and of providers: a belt for values that should never have held one. They start a word, or follow an escape. */
const KEY_LIKE =
  /(?:(?<![A-Za-z0-9])|(?<=\\(?:[nrtbf]|u[0-9a-f]{4})))(?:(?:bh_[a-z0-9]{1,12}_|bha_|sk-|xai-|gsk_|AIza)[A-Za-z0-9_-]{12,}|[Bb]earer\s+[^\s"'\\]{8,})/g;
/** Whether a line can hold one at all: nearly none does, and this is ten times cheaper. */
const KEY_START = /bh_|bha_|sk-|xai-|gsk_|AIza|[Bb]earer/;

const escapeUnsafe = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The JSON of a whole record, made safe to print. The patterns never match across a quote or an escape, so it stays JSON. */
function encodeLine(record: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(record);
  const printable = text.search(UNSAFE) === -1 ? text : text.replace(UNSAFE, escapeUnsafe);
  return `${KEY_START.test(printable) ? printable.replace(KEY_LIKE, '[secret]') : printable}\n`;
}

function addFields(record: Record<string, unknown>, fields: LogFields | undefined): void {
  if (fields === undefined) return;
  for (const name of Object.keys(fields)) {
    // The type forbids other names and objects; this holds for callers that pass a wider value through it.
    if (!ALLOWED.has(name)) continue;
    const value = fields[name as LogField];
    record[name] = typeof value === 'string' ? clip(value) : typeof value === 'object' ? null : value;
  }
}

const clip = (text: string): string => (text.length > VALUE_CHARACTERS ? `${text.slice(0, VALUE_CHARACTERS)}…` : text);

let stampedAt = 0;
let stamp = '';
function timestamp(): string {
  const now = systemClock.now();
  if (now !== stampedAt) {
    stampedAt = now;
    stamp = new Date(now).toISOString();
  }
  return stamp;
}

/** Lines on their way out: one write at a time, the rest waits within a limit. */
class LineQueue {
  readonly #sink: LogSink;
  readonly #limit: number;
  #waiting = '';
  #writing: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #lost = 0;
  #unsaid = 0;
  #flushed: (() => void)[] = [];

  constructor(sink: LogSink, limit: number) {
    this.#sink = sink;
    this.#limit = limit;
  }

  get lost(): number {
    return this.#lost;
  }

  add(level: Level, line: (sequence: number) => string): void {
    const sequence = this.#sequence++;
    if (this.#waiting.length >= this.#limit) return this.#lose(1);
    this.#waiting += line(sequence);
    if (this.#writing !== undefined) return;
    if (this.#waiting.length >= BATCH_CHARACTERS || level === 'error') this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), BATCH_MS).unref();
  }

  flush(): Promise<void> {
    if (this.#writing === undefined && this.#waiting === '') return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
      if (this.#writing === undefined) this.#write();
    });
  }

  /** At exit. What was being written is written again, for its thread dies with us; readers tell a repeated line by its `seq`. */
  writeNow(): void {
    try {
      if (this.#writing !== undefined) fs.writeSync(1, this.#writing);
      if (this.#waiting !== '') fs.writeSync(1, this.#waiting);
    } catch {
      // Standard output is gone or full, and there is nowhere left to say so.
      this.#lost++;
    }
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const gap = this.#unsaid === 0 ? '' : encodeLine({ time: timestamp(), level: 'warn', event: 'log.gap', count: this.#unsaid });
    const lines = Buffer.from(gap + this.#waiting);
    const count = newlines(this.#waiting);
    const said = this.#unsaid;
    this.#writing = lines;
    this.#waiting = '';
    this.#sink(lines, (error) => {
      this.#writing = undefined;
      if (error === null) this.#unsaid -= said;
      else this.#lose(count);
      if (this.#waiting !== '') return this.#write();
      for (const resolve of this.#flushed.splice(0)) resolve();
    });
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#unsaid += lines;
  }
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** On the thread pool: a pipe that nobody empties blocks a thread, not the process. */
const stdoutSink: LogSink = (lines, done) => writeAll(lines, 0, done);

function writeAll(lines: Buffer, from: number, done: (error: Error | null) => void): void {
  fs.write(1, lines, from, (error, written) => {
    if (error?.code === 'EAGAIN') return void setTimeout(() => writeAll(lines, from, done), 20).unref();
    if (error !== null) return done(error);
    if (from + written < lines.length) return writeAll(lines, from + written, done);
    done(null);
  });
}
