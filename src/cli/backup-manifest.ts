import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { ArchiveEntry } from './archive.ts';
import type { StoreFile } from './context.ts';
import { CliFailure } from './failure.ts';

/** First entry of a backup: what is in it and who can read it. */
export interface BackupManifest {
  readonly format: 1;
  /** RFC 3339. */
  readonly created_at: string;
  readonly root_key: boolean;
  /** Schema of each database by process. */
  readonly schemas: Readonly<Record<string, number>>;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}

export const MANIFEST_PATH = 'manifest.json';
const FORMAT = 1;

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** `PRAGMA user_version` of a SQLite file: four bytes at offset 60 of its header (sqlite.org/fileformat.html §1.3). */
function schemaOf(bytes: Buffer): number | undefined {
  return bytes.length >= 100 && bytes.toString('latin1', 0, 15) === 'SQLite format 3' ? bytes.readUInt32BE(60) : undefined;
}

export function makeManifest(entries: readonly ArchiveEntry[], now: number): BackupManifest {
  const schemas = entries.flatMap(({ path, bytes }) => {
    const schema = schemaOf(bytes);
    return schema === undefined ? [] : [[path.split('/')[0] ?? '', schema] as const];
  });
  return {
    format: FORMAT,
    created_at: new Date(now).toISOString(),
    root_key: entries.some(({ path }) => path.endsWith('/root.key')),
    schemas: Object.fromEntries(schemas),
    files: entries.map(({ path, bytes }) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
  };
}

/** Checks an archive against its manifest and against what this program can read. Gives the files, the manifest aside. */
export function checkBackup(
  entries: readonly ArchiveEntry[],
  stores: Readonly<Record<string, StoreFile>>,
): { readonly manifest: BackupManifest; readonly files: readonly ArchiveEntry[] } {
  const [first, ...files] = entries;
  const manifest = first?.path === MANIFEST_PATH ? readManifest(first.bytes) : undefined;
  if (manifest === undefined) throw broken('it has no manifest');
  if (manifest.format !== FORMAT) throw tooNew(`the backup has format ${manifest.format}, this program knows ${FORMAT}`);
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  if (listed.size !== files.length) throw broken('its files are not those of its manifest');
  for (const { path, bytes } of files) {
    if (listed.get(path)?.sha256 !== sha256(bytes)) throw broken(`${path} is not as its manifest says`);
    const [process = ''] = path.split('/');
    const [found, known] = [schemaOf(bytes), stores[process]?.schema];
    if (found !== undefined && known !== undefined && known !== null && found > known)
      throw tooNew(`${path} has schema ${found}, this program knows ${known}`);
  }
  return { manifest, files };
}

function readManifest(bytes: Buffer): BackupManifest | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(value) && typeof value['format'] === 'number' && Array.isArray(value['files']) && value['files'].every(isFile)
      ? (value as unknown as BackupManifest)
      : undefined;
  } catch {
    // No JSON is no manifest; the caller refuses the archive.
    return undefined;
  }
}

const isFile = (value: unknown): value is JsonObject =>
  isJsonObject(value) && typeof value['path'] === 'string' && typeof value['sha256'] === 'string';

const broken = (reason: string): CliFailure =>
  new CliFailure({
    code: 'bad_archive',
    message: `This backup cannot be used: ${reason}.`,
    remedy: 'Use another backup; this one is damaged or was changed.',
  });

const tooNew = (reason: string): CliFailure =>
  new CliFailure({
    code: 'schema_too_new',
    message: `This backup was made by a newer Bulkhead: ${reason}.`,
    remedy: 'Restore it with that version or a later one.',
  });
