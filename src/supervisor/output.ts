import fs from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** What the children and the supervisor say: to standard output and to `logs/bulkhead.log`. */

const MAX_LINE_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const KEPT_FILES = 4;
/** A reader of standard output that is this far behind misses lines; the file has them. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

export class Output {
  readonly #file: string;
  #fd: number;
  #bytes: number;
  #stdoutOpen = true;

  constructor(logs: string) {
    this.#file = path.join(logs, 'bulkhead.log');
    this.#fd = fs.openSync(this.#file, 'a', 0o600);
    this.#bytes = fs.fstatSync(this.#fd).size;
    process.stdout.on('error', () => (this.#stdoutOpen = false));
  }

  /** One line of the supervisor's own. */
  say(level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, string | number | boolean | null>> = {}): void {
    const line = JSON.stringify({ time: new Date().toISOString(), level, role: 'supervisor', event, ...fields });
    this.write(Buffer.from(`${line}\n`));
  }

  /** Text for people, as it stands. */
  print(text: string): void {
    if (this.#stdoutOpen) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Whole lines. */
  write(lines: Buffer): void {
    if (this.#stdoutOpen && process.stdout.writableLength < MAX_BEHIND_BYTES) process.stdout.write(lines);
    try {
      if (this.#bytes + lines.length > MAX_FILE_BYTES) this.#rotate();
      this.#bytes += fs.writeSync(this.#fd, lines);
    } catch (error) {
      // A full disk must not end the node; standard output still has the lines.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  #rotate(): void {
    fs.closeSync(this.#fd);
    for (let i = KEPT_FILES - 1; i >= 1; i--) {
      const older = `${this.#file}.${i}`;
      const newer = i === 1 ? this.#file : `${this.#file}.${i - 1}`;
      if (fs.existsSync(newer)) fs.renameSync(newer, older);
    }
    this.#fd = fs.openSync(this.#file, 'a', 0o600);
    this.#bytes = fs.fstatSync(this.#fd).size;
  }
}

/** Passes whole lines on as they come, cut at `MAX_LINE_BYTES`; chunks stay chunks, so that a busy log costs little. */
export function passLines(stream: Readable, write: (lines: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) write(bytes.subarray(0, end));
    held = bytes.subarray(end);
    if (held.length < MAX_LINE_BYTES) return;
    write(Buffer.concat([held.subarray(0, MAX_LINE_BYTES), Buffer.from('\n')]));
    held = Buffer.alloc(0);
  });
  stream.on('end', () => {
    if (held.length > 0) write(Buffer.concat([held, Buffer.from('\n')]));
  });
  stream.on('error', () => undefined);
}

/** The last text of a stream, for the report of a crash. */
export function lastText(stream: Readable, maxBytes = 4096): () => string {
  let held = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => (held = (held + chunk).slice(-maxBytes)));
  stream.on('error', () => undefined);
  return () => held.trim();
}
