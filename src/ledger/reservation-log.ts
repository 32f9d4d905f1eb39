import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Reservation } from '../admission/admission.ts';
import { syncFolder, writeAtomically } from '../core/durable-file.ts';
import { isJsonObject } from '../core/json.ts';

/**
 * The reservations that hold money of a hard budget, so that a ledger that is killed neither forgets one nor grants its money again.
 * One line for a grant, one for its end: `<crc32, 8 hex digits> <JSON>\n`. What a turn of the event loop brings is one write(2), and no
 * grant is answered before it. The kernel keeps what was written when the process is killed; a power loss may take the last
 * moments, like those of the vault's journal.
 */

const FILE = 'reservations.log';
const COMPACT_BYTES = 64 * 1024 * 1024;
const RETRY_MS = 500;
const LINE_FEED = 0x0a;

/** As `fs.writeSync`: may write less than it is given. Throws when the disk refuses. */
export type WriteBytes = (fd: number, bytes: Buffer, offset: number) => number;

export interface ReservationLogOptions {
  readonly folder: string;
  readonly onFailure: (reason: string) => void;
  readonly onRecovery: () => void;
  /** For tests that fill a disk. */
  readonly write?: WriteBytes | undefined;
  readonly compactBytes?: number | undefined;
}

interface Entry {
  readonly requestId: string;
  readonly line: string;
  /** Of a grant: called once its line is in the file (true), or will never be. */
  readonly done?: ((isWritten: boolean) => void) | undefined;
}

export interface FoundLog {
  /** Granted and not ended, oldest first. */
  readonly reservations: readonly Reservation[];
  /** Whole lines that are not as they were written: none, unless the disk lost them. */
  readonly damaged: number;
}

export class ReservationLog {
  readonly #file: string;
  readonly #options: ReservationLogOptions;
  readonly #write: WriteBytes;
  #fd: number;
  #bytes: number;
  #compactAt: number;
  /** Lines of the grants in the file that have not ended. */
  readonly #live = new Map<string, string>();
  #pending: Entry[] = [];
  #isScheduled = false;
  #isFailing = false;
  #isClosed = false;

  private constructor(options: ReservationLogOptions, bytes: number) {
    const { folder, write = (fd, chunk, offset) => fs.writeSync(fd, chunk, offset), compactBytes = COMPACT_BYTES } = options;
    this.#options = options;
    this.#write = write;
    this.#compactAt = compactBytes;
    this.#file = path.join(folder, FILE);
    this.#fd = fs.openSync(this.#file, 'a', 0o600);
    this.#bytes = bytes;
  }

  /** A last line that was cut by the end of its process is taken away: nobody was told of it. Throws when the file cannot be opened. */
  static open(options: ReservationLogOptions): { readonly log: ReservationLog; readonly found: FoundLog } {
    const file = path.join(options.folder, FILE);
    const content = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
    const whole = content.lastIndexOf(LINE_FEED) + 1;
    if (whole < content.length) fs.truncateSync(file, whole);
    const { live, damaged } = readLines(content.toString('utf8', 0, whole));
    const log = new ReservationLog(options, whole);
    for (const [requestId, { line }] of live) log.#live.set(requestId, line);
    return { log, found: { reservations: [...live.values()].map(({ reservation }) => reservation), damaged } };
  }

  /** In the file, and not ended. */
  has(requestId: string): boolean {
    return this.#live.has(requestId);
  }

  get size(): number {
    return this.#live.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `done` is called with true once the grant outlives this process, and never in this turn. */
  grant(reservation: Reservation, done: (isWritten: boolean) => void): void {
    const line = this.#live.has(reservation.requestId) ? '' : lineOf({ r: reservation });
    this.#add({ requestId: reservation.requestId, line, done });
  }

  /** The request is over, and what it cost is on disk by itself. */
  end(requestId: string): void {
    // At once, so that a grant of the same request in this turn is a line again.
    this.#live.delete(requestId);
    this.#add({ requestId, line: lineOf({ e: requestId }) });
  }

  /** Writes what waits. */
  close(): void {
    this.#flush();
    this.#isClosed = true;
    fs.closeSync(this.#fd);
  }

  #add(entry: Entry): void {
    this.#pending.push(entry);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const entries = this.#pending;
    if (entries.length === 0 || this.#isClosed) return;
    this.#pending = [];
    try {
      this.#append(Buffer.from(entries.map(({ line }) => line).join('')));
    } catch (error) {
      return this.#onFailure(entries, error);
    }
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#options.onRecovery();
    }
    for (const { requestId, line, done } of entries) {
      if (done === undefined) this.#live.delete(requestId);
      else if (line !== '') this.#live.set(requestId, line);
    }
    for (const { done } of entries) done?.(true);
    if (this.#bytes >= this.#compactAt) this.#compact();
  }

  /** All of it or nothing: a part that was written is cut off again, so that every line in the file is whole. */
  #append(bytes: Buffer): void {
    try {
      for (let offset = 0; offset < bytes.length;) offset += this.#write(this.#fd, bytes, offset);
    } catch (error) {
      fs.ftruncateSync(this.#fd, this.#bytes);
      throw error;
    }
    this.#bytes += bytes.length;
  }

  /** Grants are refused; ends are kept for another try, in front of whatever comes after them. */
  #onFailure(entries: readonly Entry[], error: unknown): void {
    const refused = new Set(entries.filter(({ done, line }) => done !== undefined && line !== '').map(({ requestId }) => requestId));
    this.#pending = entries.filter(({ done }) => done === undefined);
    if (!this.#isFailing) this.#options.onFailure(error instanceof Error ? error.message : String(error));
    this.#isFailing = true;
    for (const { requestId, done } of entries) done?.(!refused.has(requestId));
    if (this.#pending.length === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => this.#flush(), RETRY_MS).unref();
  }

  /** The file without what has ended. One that cannot be made leaves the old one, which grows until it can. */
  #compact(): void {
    const content = Buffer.from([...this.#live.values()].join(''));
    try {
      writeAtomically(this.#file, content);
      const fd = fs.openSync(this.#file, 'a', 0o600);
      fs.closeSync(this.#fd);
      this.#fd = fd;
      this.#bytes = content.length;
      syncFolder(path.dirname(this.#file));
    } catch (error) {
      this.#options.onFailure(error instanceof Error ? error.message : String(error));
    }
    this.#compactAt = Math.max(this.#options.compactBytes ?? COMPACT_BYTES, this.#bytes * 2);
  }
}

function lineOf(record: { readonly r: Reservation } | { readonly e: string }): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

interface Live {
  readonly reservation: Reservation;
  readonly line: string;
}

function readLines(text: string): { readonly live: Map<string, Live>; readonly damaged: number } {
  const live = new Map<string, Live>();
  let damaged = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const record = readLine(line);
    if (record === undefined) damaged++;
    else if (typeof record === 'string') live.delete(record);
    else live.set(record.requestId, { reservation: record, line: `${line}\n` });
  }
  return { live, damaged };
}

/** A reservation, the id of one that ended, or undefined: not a line of ours. The checksum says that what we wrote is what is there. */
function readLine(line: string): Reservation | string | undefined {
  const json = line.slice(9);
  if (line[8] !== ' ' || crc32(json).toString(16).padStart(8, '0') !== line.slice(0, 8)) return undefined;
  const record: unknown = JSON.parse(json);
  if (!isJsonObject(record)) return undefined;
  return typeof record['e'] === 'string' ? record['e'] : (record['r'] as unknown as Reservation);
}
