import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { NodeSpec } from '../config/node-spec.ts';
import { CliFailure, EXIT, systemCode } from './failure.ts';
import { writeWhole } from './write-whole.ts';

/** The folder of a node as the commands see it. The processes' own folders inside it are theirs alone. */
export interface DataFolder {
  readonly path: string;
  readonly specFile: string;
  readonly tokenFile: string;
  readonly logFile: string;
}

export const DEFAULT_DATA = 'data';

export function dataFolder(folder: string): DataFolder {
  const at = (...parts: readonly string[]): string => path.join(folder, ...parts);
  return { path: folder, specFile: at('node.json'), tokenFile: at('admin', 'token'), logFile: at('logs', 'bulkhead.log') };
}

/** The node's own token, a person's, or a virtual key of the kind `admin` or `read`. */
const TOKEN = /^(bha_[A-Za-z0-9_-]{43}|bhu_[0-9A-Za-z]{36}|bh_[a-z0-9]{1,12}_[0-9A-Za-z]{36})$/;

/** A new admin token: 256 random bits. */
const newToken = (): string => `bha_${randomBytes(32).toString('base64url')}`;

/** Makes the folder, or says why it cannot be used. Others may pass through it (the processes have own uids) but not list it. */
export function makeDataFolder({ path: folder }: DataFolder): void {
  const probe = path.join(folder, `.write-${process.pid}`);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
    fs.writeFileSync(probe, '', { mode: 0o600 });
    fs.rmSync(probe);
  } catch (cause) {
    throw new CliFailure(
      {
        code: 'data_folder',
        message: `The data folder ${folder} cannot be written (${systemCode(cause) ?? 'unknown reason'}).`,
        remedy: 'Choose another with --data, or give this user the right to write there.',
      },
      { cause },
    );
  }
}

/** The node's admin token; made at the first start, readable by its owner alone. */
export function ensureToken(folder: DataFolder): string {
  const known = readOwnFile(folder.tokenFile);
  if (known !== undefined) return checkedToken(known, folder.tokenFile);
  fs.mkdirSync(path.dirname(folder.tokenFile), { recursive: true, mode: 0o700 });
  const token = newToken();
  writeWhole(folder.tokenFile, `${token}\n`);
  return token;
}

/** The token for talking to a running node. */
export function readToken(file: string): string {
  const text = readOwnFile(file);
  if (text !== undefined) return checkedToken(text, file);
  throw new CliFailure({
    code: 'no_token',
    message: `There is no admin token at ${file}.`,
    remedy: 'Run the command where the data folder is, name it with --data, or pass --token-file. A new node is started with: bulkhead up.',
    exit: EXIT.unusable,
  });
}

function checkedToken(text: string, file: string): string {
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new CliFailure({
    code: 'bad_token',
    message: `${file} does not hold an admin token.`,
    remedy: 'Delete that file and restart the node; a new token is made.',
  });
}

function readOwnFile(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return undefined;
    throw new CliFailure(
      {
        code: 'unreadable',
        message: `${file} cannot be read (${systemCode(cause) ?? 'unknown reason'}).`,
        remedy: 'Run the command as the user that started the node.',
      },
      { cause },
    );
  }
}

/** What the node in this folder was last started with, or undefined. */
export function readSpec({ specFile }: DataFolder): NodeSpec | undefined {
  const text = readOwnFile(specFile);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as NodeSpec;
  } catch (cause) {
    throw new CliFailure(
      {
        code: 'bad_node_file',
        message: `${specFile} is damaged.`,
        remedy: 'Start the node again with: bulkhead up. It writes the file anew.',
      },
      { cause },
    );
  }
}

export const writeSpec = ({ specFile }: DataFolder, spec: NodeSpec): void => writeWhole(specFile, `${JSON.stringify(spec, null, 2)}\n`);

/** True until control has kept anything: then there is no starter key yet. */
export const isFirstStart = ({ path: folder }: DataFolder): boolean => {
  try {
    return fs.readdirSync(path.join(folder, 'control')).length === 0;
  } catch (cause) {
    // A folder that exists and may not be listed belongs to a process's own uid: the node has run before.
    return systemCode(cause) === 'ENOENT';
  }
};
