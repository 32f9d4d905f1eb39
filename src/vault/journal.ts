import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { BulkheadError } from '../core/error.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import { syncFolder, writeAtomically } from '../core/durable-file.ts';

const SEGMENT_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
/** Where a line's JSON begins, and where in that its offset, which comes first. */
const JSON_AT = 9;
const OFFSET_AT = '{"offset":'.length;

export type JournalEntry<R = JournalRecord> = R extends JournalRecord ? Omit<R, 'offset' | 'generation'> : never;

interface Line {
  readonly offset: number;
  readonly json: string;
  /** Where the next line begins. */
  readonly end: number;
}

/**
 * The vault's own record of what left it: lines of `<crc32> <json>` in segments named after their first offset. A start is in the
 * file (write(2)) before its call leaves, so that `kill -9` loses nothing; fdatasync follows within 200 ms. A new process begins a
 * new segment and never changes an old one, whose torn last line is skipped. A segment dies when the ledger has all of it.
 */
export class Journal {
  readonly #folder: string;
  readonly #generation: string;
  readonly #segments: string[];
  #fd = -1;
  #size = 0;
  /** Offsets of the newest record and of the newest one that the ledger has. */
  #last: number;
  #acked: number;
  /** Where the ledger's copy ends: position in the first segment. */
  #position = 0;
  /** The last line that `unacknowledged` gave. */
  #sent: Line | undefined;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #pending: JournalEntry[] = [];
  /** Settles with the write that takes along the starts of this turn of the event loop. */
  #writing: Promise<void> | undefined;
  #sync: 'clean' | 'dirty' | 'running' = 'clean';
  #failed = false;

  constructor(folder: string, generation: string) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#generation = generation;
    const ackedFile = path.join(folder, 'acked');
    this.#acked = fs.existsSync(ackedFile) ? Number(fs.readFileSync(ackedFile, 'utf8')) : 0;
    const names = fs.readdirSync(folder).filter((file) => file.endsWith('.log'));
    this.#segments = names.sort();
    const name = names.at(-1);
    const written = name === undefined ? [] : linesOf(fs.readFileSync(path.join(folder, name)));
    // A name is never used twice, even if nothing in its segment is whole.
    this.#last = Math.max(this.#acked, Number.parseInt(name ?? '0', 10), written.at(-1)?.offset ?? 0);
    this.#open();
  }

  /** Resolves when the start is in the file; rejects with `journal_failed`, and then nothing may leave. */
  start(entry: JournalEntry): Promise<void> {
    this.#pending.push(entry);
    return (this.#writing ??= Promise.resolve().then(() => {
      const failure = this.#write();
      if (failure !== undefined) throw failure;
    }));
  }

  /** Goes with the next start or the next `tick`: nothing depends on it. */
  end(entry: JournalEntry): void {
    this.#pending.push(entry);
  }

  /** To be called about every 100 ms: writes what no start took along, and has the file put on disk. */
  tick(): void {
    this.#write();
    if (this.#sync !== 'dirty') return;
    this.#sync = 'running';
    const fd = this.#fd;
    fs.fdatasync(fd, (error) => {
      // A segment that was closed meanwhile was synchronised by `#open`.
      if (fd === this.#fd) this.#failed = error !== null;
      this.#sync = this.#failed || this.#sync === 'dirty' ? 'dirty' : 'clean';
    });
  }

  /** JSON texts of the next records for the ledger, in order; none: it has them all. */
  unacknowledged(): readonly string[] {
    for (;;) {
      const lines = this.#read();
      const fresh = lines.filter(({ offset }) => offset > this.#acked);
      this.#sent = lines.at(-1);
      if (fresh.length > 0) return fresh.map(({ json }) => json);
      if (lines.length > 0) this.acknowledge(this.#acked);
      else if (this.#segments.length === 1) return [];
      else this.#drop();
    }
  }

  /** Records that the ledger does not have yet. */
  get backlog(): number {
    return this.#last - this.#acked;
  }

  acknowledge(offset: number): void {
    this.#acked = Math.max(this.#acked, Math.min(offset, this.#last));
    if (this.#sent === undefined || this.#acked < this.#sent.offset) return;
    this.#position += this.#sent.end;
    this.#sent = undefined;
  }

  close(): void {
    this.#write();
    fs.fdatasyncSync(this.#fd);
    fs.closeSync(this.#fd);
    this.#saveAcked();
  }

  /** Starts that cannot be written are refused by the caller; ends wait for the next write that succeeds. */
  #write(): BulkheadError | undefined {
    const batch = this.#pending;
    this.#pending = [];
    this.#writing = undefined;
    if (batch.length === 0) return undefined;
    try {
      if (this.#failed) throw new Error('fdatasync failed');
      if (this.#size >= SEGMENT_BYTES) this.#open();
      const bytes = Buffer.from(batch.map((entry, i) => this.#lineOf(entry, this.#last + 1 + i)).join(''));
      // At a position of its own, so that the next write covers what a failed one left.
      for (let done = 0; done < bytes.length;) done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, this.#size + done);
      this.#size += bytes.length;
      this.#last += batch.length;
      this.#sync = 'dirty';
      return undefined;
    } catch (cause) {
      this.#pending = batch.filter(({ k }) => k === 'end');
      return new BulkheadError('journal_failed', {}, { cause });
    }
  }

  #lineOf(entry: JournalEntry, offset: number): string {
    const json = JSON.stringify({ offset, ...entry, generation: this.#generation });
    return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
  }

  #open(): void {
    const name = `${String(this.#last + 1).padStart(16, '0')}.log`;
    const fd = fs.openSync(path.join(this.#folder, name), 'wx', 0o600);
    syncFolder(this.#folder);
    if (this.#fd !== -1) {
      fs.fdatasyncSync(this.#fd);
      fs.closeSync(this.#fd);
    }
    this.#fd = fd;
    this.#size = 0;
    this.#segments.push(name);
  }

  /** What follows the ledger's copy in the first segment; of the one being written no more than was written whole. */
  #read(): readonly Line[] {
    const fd = fs.openSync(path.join(this.#folder, this.#segments[0] as string), 'r');
    const end = this.#segments.length === 1 ? this.#size : Infinity;
    const length = fs.readSync(fd, this.#buffer, 0, Math.min(READ_BYTES, end - this.#position), this.#position);
    fs.closeSync(fd);
    return linesOf(this.#buffer.subarray(0, length));
  }

  #drop(): void {
    this.#saveAcked();
    fs.unlinkSync(path.join(this.#folder, this.#segments.shift() as string));
    this.#position = 0;
  }

  #saveAcked(): void {
    writeAtomically(path.join(this.#folder, 'acked'), String(this.#acked));
  }
}

/** The whole lines up to the first one that is torn. */
function linesOf(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  let at = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, at)) {
    const json = bytes.toString('utf8', at + JSON_AT, end);
    if (Number.parseInt(bytes.toString('latin1', at, at + JSON_AT), 16) !== crc32(json)) break;
    at = end + 1;
    lines.push({ offset: Number.parseInt(json.slice(OFFSET_AT), 10), json, end: at });
  }
  return lines;
}
