import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Reservation } from '../admission/admission.ts';
import { syncFolder, writeAtomically } from '../core/durable-file.ts';
import { isJsonObject } from '../core/json.ts';

/**
 * The reservations that hold money of a hard budget, so that a ledger that is killed neither forgets one nor grants its money again.
 * What a turn of the event loop brings is one line and one write(2), `<crc32, 8 hex digits> [<record>,…]\n`, with a record for each grant
 * (`{"r":…}`) and each end (`{"e":…}`), and no grant is answered before it. The kernel keeps what was written when the process is killed; a
 * power loss may take the last moments, like those of the vault's journal.
 */

const FILE = 'reservations.log';
const COMPACT_BYTES = 64 * 1024 * 1024;
const RETRY_MS = 500;
const LINE_FEED = 0x0a;
const CRC_DIGITS = 8;
const RECORDS_AT = CRC_DIGITS + 1;

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
  /** JSON; '' for a grant that is in the file already. */
  readonly record: string;
  /** Of a grant: called once it is in the file (true), or will never be. */
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
  /** Records of the grants in the file that have not ended. */
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
    for (const [requestId, reservation] of live) log.#live.set(requestId, grantRecord(reservation));
    return { log, found: { reservations: [...live.values()], damaged } };
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
    const record = this.#live.has(reservation.requestId) ? '' : grantRecord(reservation);
    this.#add({ requestId: reservation.requestId, record, done });
  }

  /** The request is over, and what it cost is on disk by itself. */
  end(requestId: string): void {
    // At once, so that a grant of the same request in this turn is a record again.
    this.#live.delete(requestId);
    this.#add({ requestId, record: `{"e":"${requestId}"}`, done: undefined });
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
      this.#append(entries);
    } catch (error) {
      return this.#onFailure(entries, error);
    }
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#options.onRecovery();
    }
    for (const { requestId, record, done } of entries) {
      if (done === undefined) this.#live.delete(requestId);
      else if (record !== '') this.#live.set(requestId, record);
    }
    for (const { done } of entries) done?.(true);
    if (this.#bytes >= this.#compactAt) this.#compact();
  }

  /** All of it or nothing: a part that was written is cut off again, so that every line in the file is whole. */
  #append(entries: readonly Entry[]): void {
    const bytes = lineOf(entries);
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
    const refused = new Set(entries.filter(({ done, record }) => done !== undefined && record !== '').map(({ requestId }) => requestId));
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
    const content = Buffer.concat([...this.#live.values()].map((record) => lineOf([{ record }])));
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

const grantRecord = (reservation: Reservation): string => JSON.stringify({ r: reservation });

/** Empty where there is nothing to write. */
function lineOf(entries: readonly Pick<Entry, 'record'>[]): Buffer {
  let records = '';
  for (const { record } of entries) if (record !== '') records += records === '' ? record : `,${record}`;
  if (records === '') return Buffer.alloc(0);
  const line = Buffer.from(`${NO_CRC} [${records}]\n`);
  line.write(crcOf(line.subarray(RECORDS_AT, -1)), 0, 'latin1');
  return line;
}

const NO_CRC = '0'.repeat(CRC_DIGITS);
const crcOf = (records: Buffer | string): string => crc32(records).toString(16).padStart(CRC_DIGITS, '0');

function readLines(text: string): { readonly live: Map<string, Reservation>; readonly damaged: number } {
  const live = new Map<string, Reservation>();
  let damaged = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const records = readLine(line);
    if (records === undefined) damaged++;
    for (const { r: reservation, e: ended } of records ?? []) {
      if (reservation !== undefined) live.set(reservation.requestId, reservation);
      else if (ended !== undefined) live.delete(ended);
    }
  }
  return { live, damaged };
}

interface LineRecord {
  readonly r?: Reservation;
  readonly e?: string;
}

/** Undefined: not a line of ours. The checksum says that what we wrote is what is there. Earlier builds wrote a line for each record. */
function readLine(line: string): readonly LineRecord[] | undefined {
  const json = line.slice(RECORDS_AT);
  if (line[CRC_DIGITS] !== ' ' || crcOf(json) !== line.slice(0, CRC_DIGITS)) return undefined;
  const records: unknown = JSON.parse(json);
  if (isJsonObject(records)) return [records as LineRecord];
  return Array.isArray(records) ? (records as readonly LineRecord[]) : undefined;
}
