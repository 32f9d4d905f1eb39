import { CliFailure } from './failure.ts';

/** A tar archive (POSIX ustar) of plain files and nothing else: written and read strictly, so that no path can leave its folder. */

export interface ArchiveEntry {
  /** `ledger/ledger.db`: relative, forward slashes. */
  readonly path: string;
  readonly bytes: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

const BLOCK = 512;
const PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]{1,100}(?:\/[A-Za-z0-9._-]{1,100}){0,6}$/;
const MAX_PATH = 100;

/** True for a path that an archive may hold: plain segments, no `.` or `..`, not absolute. */
export const isArchivePath = (path: string): boolean => path.length <= MAX_PATH && PATH.test(path);

export function writeArchive(entries: readonly ArchiveEntry[]): Buffer {
  const parts = entries.flatMap(({ path, bytes, mode }) => {
    if (!isArchivePath(path)) throw damaged(`the path ${JSON.stringify(path)} cannot be archived`);
    return [header(path, bytes.length, mode), bytes, Buffer.alloc(padding(bytes.length))];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

function header(path: string, size: number, mode: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, 'ascii');
  block.write(octal(mode & 0o777, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** The sum of all bytes, the checksum field itself counted as blanks. */
function checksum(block: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
  return sum;
}

/** Reads what `writeArchive` wrote. Links, folders, devices, odd paths, duplicates and bytes after the end are refused. */
export function readArchive(archive: Buffer): readonly ArchiveEntry[] {
  const entries = new Map<string, ArchiveEntry>();
  let at = 0;
  for (;;) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.length < BLOCK) throw damaged('it ends too early');
    if (block.every((byte) => byte === 0)) break;
    const { path, size, mode } = readHeader(block);
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (bytes.length < size) throw damaged('it ends too early');
    if (entries.has(path)) throw damaged(`it holds ${path} twice`);
    entries.set(path, { path, bytes, mode });
    at += BLOCK + size + padding(size);
  }
  if (archive.length !== at + 2 * BLOCK || archive.subarray(at).some((byte) => byte !== 0))
    throw damaged('there is something after its end');
  return [...entries.values()];
}

function readHeader(block: Buffer): { readonly path: string; readonly size: number; readonly mode: number } {
  const text = (start: number, length: number): string => {
    const field = block.subarray(start, start + length);
    const end = field.indexOf(0);
    return field.toString('latin1', 0, end < 0 ? length : end);
  };
  const number = (start: number, length: number): number => {
    const digits = text(start, length).trim();
    if (!/^[0-7]{1,11}$/.test(digits)) throw damaged('a header holds something that is no number');
    return Number.parseInt(digits, 8);
  };
  if (text(257, 6) !== 'ustar' || number(148, 8) !== checksum(block)) throw damaged('a header is not right');
  if (text(156, 1) !== '0' || text(345, 155) !== '') throw damaged('it holds something else than plain files');
  const path = text(0, 100);
  if (!isArchivePath(path)) throw damaged('it holds a path that leads elsewhere');
  return { path, size: number(124, 12), mode: number(100, 8) & 0o777 };
}

const damaged = (reason: string): CliFailure =>
  new CliFailure({
    code: 'bad_archive',
    message: `This is no Bulkhead backup, or it is damaged: ${reason}.`,
    remedy: 'Use a file that `bulkhead backup` made, unchanged.',
  });
