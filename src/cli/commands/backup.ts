import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import type { BackupFiles } from '../../api/node.ts';
import { isArchivePath, writeArchive, type ArchiveEntry } from '../archive.ts';
import { makeManifest, MANIFEST_PATH } from '../backup-manifest.ts';
import { clientOf, folderOf, present, withCommon, type CliContext, type CommonOptions, type StoreFile } from '../context.ts';
import type { DataFolder } from '../data-folder.ts';
import { CliFailure, systemCode } from '../failure.ts';
import { grouped } from '../table.ts';
import { writeWhole } from '../write-whole.ts';

interface BackupOptions extends CommonOptions {
  readonly withRootKey?: boolean;
}

type BackupFile = BackupFiles['files'][number];

const ROOT_KEY = 'root.key';

/** `bulkhead backup`: consistent copies made by the running processes, collected into one file. */
export function backupCommand(context: CliContext): Command {
  return withCommon(
    new Command('backup')
      .description('write keys, sealed credentials, usage and the log into one file')
      .argument('<file>', 'such as backup.tar.gz'),
  )
    .option('--with-root-key', 'also the vault’s root key: whoever has the file then has the provider keys')
    .action(async (file: string, options: BackupOptions) => {
      const target = path.resolve(context.terminal.cwd, file);
      if (fs.existsSync(target))
        throw new CliFailure({
          code: 'file_exists',
          message: `${file} exists already.`,
          remedy: 'Choose another name; a backup is never overwritten.',
        });
      const folder = folderOf(context, options);
      const made = await clientOf(context, options).call('backup.create', { body: {} });
      const stores = await context.stores();
      try {
        const entries = [...made.files.flatMap((item) => collect(folder, item, stores)), ...rootKeys(folder, made.files, options)];
        const manifest = makeManifest(entries, Date.now());
        const archive = writeArchive([
          { path: MANIFEST_PATH, mode: 0o600, bytes: Buffer.from(JSON.stringify(manifest, null, 2)) },
          ...entries,
        ]);
        const packed = gzipSync(archive);
        writeWhole(target, packed);
        present(context, options, { file: target, bytes: packed.length, ...manifest }, () =>
          report(file, packed.length, entries.length, manifest.root_key),
        );
      } finally {
        for (const { process, file: name, temporary } of made.files)
          if (temporary) fs.rmSync(inside(folder, process, name), { recursive: true, force: true });
      }
    });
}

function report(file: string, bytes: number, files: number, withRootKey: boolean): string {
  const key = withRootKey
    ? 'It holds the vault’s root key: keep it like the provider keys themselves.\n'
    : 'The root key is not in it: keep a copy of vault-*/root.key (or your passphrase) apart from it, or the credentials cannot be opened.\n';
  return `${file}: ${files} files, ${grouped(bytes)} bytes.\n${key}Restore it into an empty folder with: bulkhead restore ${file} --data <folder>\n`;
}

/** A place inside a process's folder. The names come from the node; they are checked all the same. */
function inside({ path: data }: DataFolder, process: string, name: string): string {
  const at = name.replace(/\/$/, '');
  if (!/^[a-z]+(?:-\d+)?$/.test(process) || (at !== '' && at !== '.' && !isArchivePath(at))) {
    throw new CliFailure({
      code: 'unexpected_answer',
      message: 'The node named a file for the backup that lies elsewhere.',
      remedy: 'Use the bulkhead command of the same version as the node.',
    });
  }
  return path.join(data, process, at);
}

function collect(
  folder: DataFolder,
  { process, file, temporary }: BackupFile,
  stores: Readonly<Record<string, StoreFile>>,
): readonly ArchiveEntry[] {
  const at = inside(folder, process, file);
  if (!file.endsWith('/')) {
    // A copy made for the backup takes the name under which the process keeps the original.
    const name = temporary ? (stores[process]?.file ?? path.basename(file)) : file;
    return [{ path: `${process}/${name}`, ...read(at) }];
  }
  const own = path.join(folder.path, process);
  return filesBelow(at)
    .filter((found) => path.basename(found) !== ROOT_KEY)
    .map((found) => ({ path: `${process}/${path.relative(own, found).split(path.sep).join('/')}`, ...read(found) }));
}

function filesBelow(at: string): readonly string[] {
  try {
    return fs
      .readdirSync(at, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort();
  } catch (cause) {
    throw unreadable(at, cause);
  }
}

function rootKeys(folder: DataFolder, files: readonly BackupFile[], { withRootKey }: BackupOptions): readonly ArchiveEntry[] {
  if (withRootKey !== true) return [];
  const vaults = [...new Set(files.map(({ process }) => process).filter((process) => process.startsWith('vault-')))];
  return vaults.map((process) => ({ path: `${process}/${ROOT_KEY}`, ...read(inside(folder, process, ROOT_KEY)) }));
}

function read(at: string): Pick<ArchiveEntry, 'bytes' | 'mode'> {
  try {
    return { bytes: fs.readFileSync(at), mode: fs.statSync(at).mode & 0o777 };
  } catch (cause) {
    throw unreadable(at, cause);
  }
}

const unreadable = (at: string, cause: unknown): CliFailure =>
  new CliFailure(
    {
      code: 'unreadable',
      message: `${at} cannot be read (${systemCode(cause) ?? 'unknown reason'}).`,
      remedy: 'Run the backup on the node’s machine, as the user that started it.',
    },
    { cause },
  );
