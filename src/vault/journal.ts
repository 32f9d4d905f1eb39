import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { BulkheadError } from '../core/errors.ts';
import type { JournalRecord } from '../ipc/messages.ts';
import { syncFolder, writeAtomically } from './files.ts';

const SEGMENT_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
const SYNC_MS = 200;
/** How long an end may wait for the write of a start: nothing depends on it. */
const END_MS = 20;

type Unplaced<R> = R extends JournalRecord ? Omit<R, 'offset' | 'generation'> : never;
export type JournalEntry = Unplaced<JournalRecord>;

interface Pending {
  readonly entry: JournalEntry;
  readonly resolve: (() => void) | undefined;
  readonly reject: ((error: Error) => void) | undefined;
}

/**
 * The vault's own record of what left it: lines of `<crc32> <json>` in segments named after their first offset. A start is in the
 * file (write(2)) before its call leaves, so that `kill -9` loses nothing; fdatasync follows within 200 ms. A new process begins a
 * new segment and never changes an old one, whose torn last line is skipped. A segment dies when the ledger has all of it.
 */
export class Journal {
  readonly #folder: string;
  readonly #generation: string;
  #segments: string[];
  #fd = -1;
  #size = 0;
  #next: number;
  #acked: number;
  /** Where the ledger's copy ends: position in the first segment. */
  #position = 0;
  /** What `unacknowledged` gave last. */
  #sent = { last: Infinity, bytes: 0 };
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #pending: Pending[] = [];
  #scheduled = false;
  #ending: NodeJS.Timeout | undefined;
  #syncing: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(folder: string, generation: string) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#generation = generation;
    const ackedFile = path.join(folder, 'acked');
    this.#acked = fs.existsSync(ackedFile) ? Number(fs.readFileSync(ackedFile, 'utf8')) : 0;
    this.#segments = fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .sort();
    const last = this.#segments.at(-1);
    const written = last === undefined ? [] : linesOf(fs.readFileSync(path.join(folder, last))).records;
    // A name is never used twice, even if nothing in its segment is whole.
    this.#next = Math.max(this.#acked, Number.parseInt(last ?? '0', 10), written.at(-1)?.offset ?? 0) + 1;
    this.#open();
  }

  /** Resolves when the start is in the file; rejects with `journal_failed`, and then nothing may leave. */
  start(entry: JournalEntry): Promise<void> {
    // Starts of one turn of the event loop go into one write.
    if (!this.#scheduled) queueMicrotask(() => this.#flush());
    this.#scheduled = true;
    return new Promise((resolve, reject) => this.#pending.push({ entry, resolve, reject }));
  }

  /** An end that cannot be written now goes with the next write that succeeds. */
  end(entry: JournalEntry): void {
    this.#pending.push({ entry, resolve: undefined, reject: undefined });
    this.#ending ??= setTimeout(() => this.#flush(), END_MS);
  }

  /** The next records for the ledger, in order; empty: it has them all. */
  unacknowledged(): readonly JournalRecord[] {
    for (;;) {
      const name = this.#segments[0] as string;
      const isLive = this.#segments.length === 1;
      const { records, bytes } = this.#read(name, isLive);
      const fresh = records.filter(({ offset }) => offset > this.#acked);
      if (fresh.length > 0) {
        this.#sent = { last: fresh.at(-1)?.offset ?? Infinity, bytes };
        return fresh;
      }
      if (bytes > 0) this.#position += bytes;
      else if (isLive) return [];
      else this.#drop(name);
    }
  }

  /** Records that the ledger does not have yet. */
  get backlog(): number {
    return this.#next - 1 - this.#acked;
  }

  acknowledge(offset: number): void {
    this.#acked = Math.max(this.#acked, Math.min(offset, this.#next - 1));
    if (this.#acked < this.#sent.last) return;
    this.#position += this.#sent.bytes;
    this.#sent = { last: Infinity, bytes: 0 };
  }

  close(): void {
    clearTimeout(this.#syncing);
    this.#flush();
    fs.fdatasyncSync(this.#fd);
    fs.closeSync(this.#fd);
    this.#saveAcked();
  }

  #flush(): void {
    const batch = this.#pending;
    this.#scheduled = false;
    clearTimeout(this.#ending);
    this.#ending = undefined;
    if (batch.length === 0) return;
    this.#pending = [];
    try {
      if (this.#failed) throw new Error('fdatasync failed');
      if (this.#size >= SEGMENT_BYTES) this.#open();
      const lines = batch.map(({ entry }, i) =>
        lineOf({ ...entry, offset: this.#next + i, generation: this.#generation } as JournalRecord),
      );
      this.#write(Buffer.from(lines.join('')));
      this.#next += batch.length;
      for (const { resolve } of batch) resolve?.();
    } catch (cause) {
      for (const { reject } of batch) reject?.(new BulkheadError('journal_failed', {}, { cause }));
      this.#pending.unshift(...batch.filter(({ reject }) => reject === undefined));
    }
    this.#syncing ??= setTimeout(() => this.#sync(), SYNC_MS);
  }

  /** At a position of its own, so that the next write covers what a failed one left. */
  #write(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, this.#size + done);
    this.#size += bytes.length;
  }

  #sync(): void {
    const fd = this.#fd;
    fs.fdatasync(fd, (error) => {
      // A segment that was closed meanwhile was synchronised by `#open`.
      if (fd === this.#fd) this.#failed = error !== null;
      this.#syncing = undefined;
      if (this.#failed || this.#pending.length > 0) this.#syncing = setTimeout(() => (this.#flush(), this.#sync()), SYNC_MS);
    });
  }

  #open(): void {
    const name = `${String(this.#next).padStart(16, '0')}.log`;
    const fd = fs.openSync(path.join(this.#folder, name), 'wx+', 0o600);
    syncFolder(this.#folder);
    if (this.#fd !== -1) {
      fs.fdatasyncSync(this.#fd);
      fs.closeSync(this.#fd);
    }
    this.#fd = fd;
    this.#size = 0;
    this.#segments.push(name);
  }

  #read(name: string, isLive: boolean): ReturnType<typeof linesOf> {
    const fd = isLive ? this.#fd : fs.openSync(path.join(this.#folder, name), 'r');
    const length = fs.readSync(
      fd,
      this.#buffer,
      0,
      isLive ? Math.min(READ_BYTES, this.#size - this.#position) : READ_BYTES,
      this.#position,
    );
    if (!isLive) fs.closeSync(fd);
    return linesOf(this.#buffer.subarray(0, length));
  }

  #drop(name: string): void {
    this.#saveAcked();
    fs.unlinkSync(path.join(this.#folder, name));
    this.#segments.shift();
    this.#position = 0;
  }

  #saveAcked(): void {
    writeAtomically(path.join(this.#folder, 'acked'), String(this.#acked));
  }
}

function lineOf(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** The whole lines up to the first one that is torn, and how many bytes they are. */
function linesOf(bytes: Buffer): { readonly records: readonly JournalRecord[]; readonly bytes: number } {
  const records: JournalRecord[] = [];
  let at = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, at)) {
    const line = bytes.toString('utf8', at, end);
    if (Number.parseInt(line.slice(0, 8), 16) !== crc32(line.slice(9))) break;
    records.push(JSON.parse(line.slice(9)) as JournalRecord);
    at = end + 1;
  }
  return { records, bytes: at };
}
