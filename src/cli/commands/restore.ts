import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { readArchive, type ArchiveEntry } from '../archive.ts';
import { checkBackup } from '../backup-manifest.ts';
import { folderOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { CliFailure, systemCode } from '../failure.ts';

const MAX_BYTES = 4 * 1024 * 1024 * 1024 - 1;

/** `bulkhead restore`: a backup into an empty data folder; all of it is checked before anything is written. */
export function restoreCommand(context: CliContext): Command {
  return withCommon(
    new Command('restore')
      .description('unpack a backup into an empty data folder; no node may run on it')
      .argument('<file>', 'a file that `bulkhead backup` made'),
  ).action(async (file: string, options: CommonOptions) => {
    const { path: data } = folderOf(context, options);
    mustBeEmpty(data);
    const { manifest, files } = checkBackup(readArchive(unpack(path.resolve(context.terminal.cwd, file), file)), await context.stores());
    fs.mkdirSync(data, { recursive: true, mode: 0o711 });
    for (const entry of files) write(data, entry);
    present(context, options, { data, created_at: manifest.created_at, root_key: manifest.root_key, files: files.length }, () => {
      const key = manifest.root_key
        ? ''
        : 'The root key is not in this backup: put vault-*/root.key back (mode 0400) before the start, or give it with --root-key-fd.\n';
      return `${files.length} files of ${manifest.created_at} are in ${data}.\n${key}Start it with: bulkhead up --data ${options.data ?? 'data'}\n`;
    });
  });
}

function mustBeEmpty(data: string): void {
  const entries = fs.existsSync(data) ? fs.readdirSync(data) : [];
  if (entries.length === 0) return;
  throw new CliFailure({
    code: 'folder_not_empty',
    message: `${data} is not empty.`,
    remedy: 'Stop its node and move the folder away, or name another with --data. Nothing was changed.',
  });
}

function unpack(file: string, shown: string): Buffer {
  try {
    return gunzipSync(fs.readFileSync(file), { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    const code = systemCode(cause);
    const message =
      code?.startsWith('E') === true && code !== 'ERR_BUFFER_TOO_LARGE'
        ? `${shown} cannot be read (${code}).`
        : `${shown} is no backup: it cannot be unpacked.`;
    throw new CliFailure({ code: 'bad_archive', message, remedy: 'Name a file that `bulkhead backup` made.' }, { cause });
  }
}

/** The supervisor gives each folder to its process at the next start; until then all is the caller's own. */
function write(data: string, { path: name, bytes, mode }: ArchiveEntry): void {
  const at = path.join(data, name);
  fs.mkdirSync(path.dirname(at), { recursive: true, mode: 0o700 });
  const descriptor = fs.openSync(at, 'wx', mode & 0o700);
  try {
    fs.writeFileSync(descriptor, bytes);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
