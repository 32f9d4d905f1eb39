import { hash } from 'node:crypto';
import fs from 'node:fs/promises';
import type { AuditReceipt } from '../audit/record.ts';
import type { JsonObject } from '../core/json.ts';
import { GENESIS, readTail, sealLine, type TailRecord } from './chain.ts';

/** How far back the start looks for the last whole line. A line is far smaller. */
const REPAIR_WINDOW_BYTES = 4 * 1024 * 1024;
/** Largest line that is taken; the record's own border keeps facts short. */
const MAX_LINE_BYTES = 64 * 1024;

interface Waiting {
  readonly body: JsonObject;
  readonly resolve: (receipt: AuditReceipt) => void;
  readonly reject: (error: Error) => void;
}

/** What the start found and cut from the end of the file. */
export interface Repair {
  readonly bytes: number;
  /** SHA-256 of the cut bytes, hexadecimal. */
  readonly digest: string;
}

/**
 * The append-only file. One line per record, each holding the hash of the one before it.
 *
 * A receipt is given only after fdatasync; records that arrive during a sync share the next one. When a write or sync
 * fails, the file goes back to its last durable length, so that no line without a receipt stays in front of one with.
 */
export class LogFile {
  readonly #path: string;
  readonly #file: fs.FileHandle;
  #durableBytes: number;
  #last: TailRecord;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  /** Set while the file may hold bytes beyond `#durableBytes`. */
  #dirty = false;

  private constructor(path: string, file: fs.FileHandle, bytes: number, last: TailRecord) {
    this.#path = path;
    this.#file = file;
    this.#durableBytes = bytes;
    this.#last = last;
  }

  /** Opens or creates the file; cuts a torn end off and says so. Throws where no line of the end holds. */
  static async open(path: string): Promise<{ log: LogFile; repair: Repair | undefined }> {
    const file = await fs.open(path, 'a+', 0o600);
    try {
      return await LogFile.#openTail(path, file);
    } catch (error) {
      // A handle that is left to the garbage collector ends the process, with words that hide these.
      await file.close();
      throw error;
    }
  }

  static async #openTail(path: string, file: fs.FileHandle): Promise<{ log: LogFile; repair: Repair | undefined }> {
    const { size } = await file.stat();
    const window = Buffer.alloc(Math.min(size, REPAIR_WINDOW_BYTES));
    await file.read(window, 0, window.length, size - window.length);
    const { last, validBytes } = readTail(window);
    if (last === undefined && size > window.length) throw new Error('the end of the log holds no line whose hash is right');
    const bytes = size - window.length + validBytes;
    const log = new LogFile(path, file, bytes, last ?? GENESIS);
    if (bytes === size) return { log, repair: undefined };
    const torn = window.subarray(validBytes);
    await fs.writeFile(`${path}.torn-${(last ?? GENESIS).sequence}`, torn, { mode: 0o600, flush: true });
    await file.truncate(bytes);
    await file.datasync();
    return { log, repair: { bytes: torn.length, digest: hash('sha256', torn, 'hex') } };
  }

  get sequence(): number {
    return this.#last.sequence;
  }

  append(body: JsonObject): Promise<AuditReceipt> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ body, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** The newest `limit` lines, oldest first. */
  async tail(limit: number): Promise<string[]> {
    await this.#writing;
    const window = Buffer.alloc(Math.min(this.#durableBytes, REPAIR_WINDOW_BYTES));
    await this.#file.read(window, 0, window.length, this.#durableBytes - window.length);
    const lines = window.toString('utf8').split('\n').slice(0, -1);
    // The first line of a window that starts inside the file is usually cut.
    return lines.slice(window.length < this.#durableBytes ? 1 : 0).slice(-limit);
  }

  /** Copies everything that is durable now. */
  async copyTo(target: string): Promise<number> {
    await this.#writing;
    await fs.copyFile(this.#path, target);
    await fs.truncate(target, this.#durableBytes);
    return this.#durableBytes;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const receipts = await this.#writeBatch(batch.map(({ body }) => body));
        batch.forEach(({ resolve }, i) => resolve(receipts[i] as AuditReceipt));
      } catch (error) {
        for (const { reject } of batch) reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    // In the same turn as the last look at the queue: whoever appends from now on starts a new run.
    this.#writing = undefined;
  }

  async #writeBatch(bodies: readonly JsonObject[]): Promise<AuditReceipt[]> {
    if (this.#dirty) await this.#cutBack();
    let last = this.#last;
    const lines = bodies.map((body) => {
      const line = sealLine(last, body);
      last = { sequence: line.sequence, hash: line.hash };
      return line;
    });
    const bytes = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
    if (lines.some(({ text }) => Buffer.byteLength(text) > MAX_LINE_BYTES)) throw new Error('a record is too large for the log');
    this.#dirty = true;
    await this.#writeFully(bytes);
    await this.#file.datasync();
    this.#dirty = false;
    this.#durableBytes += bytes.length;
    this.#last = last;
    return lines.map(({ sequence, hash }) => ({ sequence, hash }));
  }

  /** A full disk shows as a short write: the rest is tried once more, and then it throws. */
  async #writeFully(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written);
      if (bytesWritten === 0) throw new Error('the disk takes no more bytes');
      written += bytesWritten;
    }
  }

  async #cutBack(): Promise<void> {
    await this.#file.truncate(this.#durableBytes);
    await this.#file.datasync();
    this.#dirty = false;
  }
}
